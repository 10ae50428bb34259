"""Reading, checking and writing preset folders."""
