"""Formats that Pillow or a plug-in of it writes: WebP, AVIF, JPEG XL, HEIC."""
