"""Makes TensorFlow look as if it were not installed, for all that is imported after this.

`sys.modules["tensorflow"] = None` is not the same: Keras then takes it for imported.
"""

import sys
from importlib.machinery import PathFinder

_HIDDEN = ("tensorflow", "tensorflow_text")


class _WithoutTensorFlow(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname.partition(".")[0] in _HIDDEN:
            return None
        return super().find_spec(fullname, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = _WithoutTensorFlow
