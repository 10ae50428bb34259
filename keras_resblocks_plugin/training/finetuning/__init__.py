"""The parts of fine-tuning that every task shares."""

from keras_resblocks_plugin.training.finetuning._config import FinetuneConfig

__all__ = ["FinetuneConfig"]
