"""What all stages share: errors, files, the safetensors container, progress, model descriptions, rankings."""
