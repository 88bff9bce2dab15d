"""Schedules and samplers; they know no network, no file and no console."""
