"""Stage 3: a product list and the exported encoders enter; one .catalog file, its report and searches leave."""
