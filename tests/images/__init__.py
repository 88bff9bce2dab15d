"""Tests of difface_cli.images."""
