"""Export of classifiers to the formats of other runtimes."""
