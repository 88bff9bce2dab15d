"""Runs over folders of photos that may be stopped and started again at any moment.

`trees` finds the photos and their places, `manifest` is the list of what was done, `index` finds a
photo in it, `ledger` holds the output folder for one run and keeps that list, `arrivals` waits for
photos that are still on their way.
"""
