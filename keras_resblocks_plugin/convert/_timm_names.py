"""timm's names of the networks that this package can build, and the numbers behind them."""

# The first of several that differ in depth and widths also stands for others.
RESNETS = """
    resnet18 resnet18d resnet34 resnet34d resnet10t resnet50 resnet50c resnet50d resnet50s
    resnet50t resnet50_gn resnet14t resnet26 resnet26d resnet26t resnet101 resnet101c resnet101d
    resnet101s resnet152 resnet152c resnet152d resnet152s resnet200 resnet200d wide_resnet50_2
    wide_resnet101_2 resnext50_32x4d resnext50d_32x4d resnext101_32x4d resnext101_32x8d
    resnext101_32x16d resnext101_32x32d resnext101_64x4d seresnet18 seresnet34 seresnet50
    seresnet50t seresnet101 seresnet152 seresnet152d seresnet200d seresnet269d
    seresnext26d_32x4d seresnext26t_32x4d seresnext50_32x4d seresnext101_32x4d
    seresnext101_32x8d seresnext101d_32x8d seresnext101_64x4d ecaresnet50d ecaresnet50t
    ecaresnet26t ecaresnet101d ecaresnet200d ecaresnet269d ecaresnext50t_32x4d
    ecaresnext26t_32x4d resnetblur18 resnetblur50 resnetblur50d resnetblur101d resnetaa34d
    resnetaa50 resnetaa50d resnetaa101d seresnetaa50d seresnextaa101d_32x8d
    seresnextaa201d_32x8d resnetrs50 resnetrs101 resnetrs152 resnetrs200 resnetrs270 resnetrs350
    resnetrs420
""".split()
RESNETS_V2 = """
    resnetv2_18 resnetv2_18d resnetv2_34 resnetv2_34d resnetv2_50 resnetv2_50d resnetv2_50t
    resnetv2_50d_gn resnetv2_101 resnetv2_101d resnetv2_152 resnetv2_152d resnetv2_50x1_bit
    resnetv2_50x3_bit resnetv2_101x1_bit resnetv2_101x3_bit resnetv2_152x2_bit resnetv2_152x4_bit
""".split()

# The number in a name of the two lists → the number of blocks in each stack.
BLOCKS = {
    10: (1, 1, 1, 1),
    14: (1, 1, 1, 1),
    18: (2, 2, 2, 2),
    26: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
    201: (3, 24, 36, 4),
    269: (3, 30, 48, 8),
    270: (4, 29, 53, 4),
    350: (4, 36, 72, 4),
    420: (4, 44, 87, 4),
}
# The numbers of the networks of basic blocks. The others have bottlenecks.
BASIC = {10, 18, 34}

# Name → the arguments of RegNet's design space: depth, initial width, slope, factor, group width.
REGNETS = {
    "regnetx_002": (13, 24, 36.44, 2.49, 8),
    "regnetx_004": (22, 24, 24.48, 2.54, 16),
    "regnetx_004_tv": (22, 24, 24.48, 2.54, 16),
    "regnetx_006": (16, 48, 36.97, 2.24, 24),
    "regnetx_008": (16, 56, 35.73, 2.28, 16),
    "regnetx_016": (18, 80, 34.01, 2.25, 24),
    "regnetx_032": (25, 88, 26.31, 2.25, 48),
    "regnetx_040": (23, 96, 38.65, 2.43, 40),
    "regnetx_064": (17, 184, 60.83, 2.07, 56),
    "regnetx_080": (23, 80, 49.56, 2.88, 120),
    "regnetx_120": (19, 168, 73.36, 2.37, 112),
    "regnetx_160": (22, 216, 55.59, 2.1, 128),
    "regnetx_320": (23, 320, 69.86, 2.0, 168),
    "regnety_002": (13, 24, 36.44, 2.49, 8),
    "regnety_004": (16, 48, 27.89, 2.09, 8),
    "regnety_006": (15, 48, 32.54, 2.32, 16),
    "regnety_008": (14, 56, 38.84, 2.4, 16),
    "regnety_008_tv": (14, 56, 38.84, 2.4, 16),
    "regnety_016": (27, 48, 20.71, 2.65, 24),
    "regnety_032": (21, 80, 42.63, 2.66, 24),
    "regnety_040": (22, 96, 31.41, 2.24, 64),
    "regnety_064": (25, 112, 33.22, 2.27, 72),
    "regnety_080": (17, 192, 76.82, 2.19, 56),
    "regnety_080_tv": (17, 192, 76.82, 2.19, 56),
    "regnety_120": (19, 168, 73.36, 2.37, 112),
    "regnety_160": (18, 200, 106.23, 2.48, 112),
    "regnety_320": (20, 232, 115.89, 2.53, 232),
    "regnety_640": (20, 352, 147.48, 2.4, 328),
    "regnety_1280": (27, 456, 160.83, 2.52, 264),
    "regnety_2560": (27, 640, 230.83, 2.53, 373),
}

# Regular expressions of the other names in timm's files → why a `ResBlockBackbone` is no such net.
REASONS = {
    r"legacy_.*": "which timm itself calls legacy, with weights in a layout of their own",
    r"senet154": "whose bottlenecks halve their first convolution and whose shortcuts are 3×3",
    r".*_pruned": "whose blocks have widths of their own",
    r".*_(evos|frn)": "whose norms are neither batch nor group norm",
    r"regnet[vz]_.*": "whose blocks are neither those of RegNetX nor of RegNetY",
    r"regnety_040_sgn": "which has SiLU in place of ReLU",
    r"test_resnet": "whose stacks have different blocks",
    r"resnet\d+(x\d+)?_clip.*": "which ends in attention pooling",
}
