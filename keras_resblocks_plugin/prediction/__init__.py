"""Predictions and features of many images, for which the extra `training` is needed."""

from keras_resblocks_plugin.prediction._config import PredictConfig
from keras_resblocks_plugin.prediction._predict import predict
from keras_resblocks_plugin.prediction._predictor import Predictor

__all__ = ["PredictConfig", "Predictor", "predict"]
