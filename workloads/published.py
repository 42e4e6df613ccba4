"""Picture sets and weights of del Rey et al., by name: where they lie and what is unpacked of them.

Knows their names, classes, archives and addresses. Reads and writes nothing. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

APPLICATIONS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/"
IMAGENET = {
    "MobileNetV2": "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.5_128_no_top.h5",
    "NASNetMobile": "nasnet/NASNet-mobile-no-top.h5",
    "Xception": "xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "ResNet50": "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "VGG16": "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "InceptionV3": "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
}
"""Function of keras.applications -> its ImageNet weights without top, below APPLICATIONS_URL, as keras fetches them;
of MobileNetV2 those of alpha .5 and 128 pixels."""


@dataclass(frozen=True)
class PictureSet:
    """A set of pictures in class folders: `WATTLAB_DATA/NAME/<class>/<file>`."""

    classes: int
    """How many the published one has."""
    archive: str = ""
    """Name of the archive that may lie in WATTLAB_DATA in place of the folder; empty: there is none."""
    inside: str = ""
    """The folder of the archive in which the class folders are."""
    is_private: bool = False
    """Whoever has it has not published it: a generated one may stand for it."""


PICTURE_SETS = {
    "binary": PictureSet(2, is_private=True),
    "caltech101": PictureSet(102, "101_ObjectCategories.tar.gz", "101_ObjectCategories"),
    "stanford_dogs": PictureSet(120, "images.tar", "Images"),
}
"""Name -> what is known of it. `binary` is any two classes; of Caltech101 the class of backgrounds is one."""
