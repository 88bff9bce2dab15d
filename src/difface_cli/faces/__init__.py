"""Faces in a photo: found (`detect`), cut out upright (`align`), put back (`paste`, `parse`).

This package alone imports facexlib, for its network definitions only: weights come from the
caller, and nothing here downloads or unpickles.
"""
