"""What all stages share: errors, exit statuses, files, the safetensors container, progress, models, rankings."""
