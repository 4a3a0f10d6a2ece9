"""Pictures as the planes that video encoders code: colour spaces, chroma subsampling, depths."""
