"""What every room stands on: errors, progress, atomic files, hashes, tables, the machine."""
