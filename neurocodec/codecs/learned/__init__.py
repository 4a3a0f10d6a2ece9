"""Learned codecs: networks that code pictures, their weights beside the program."""
