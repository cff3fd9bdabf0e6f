"""The numbers behind layers and functions of images, on plain arrays (..., H, W, C).

resizing.py makes images of another size, warping.py turns, shifts and bends them, colors.py changes
their colours, and filters.py looks at each pixel's neighbours.
"""
