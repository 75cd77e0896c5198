"""A start-up: imports many standard modules and ends. Prints {"wall", "cpu", "result"}."""

import json
import time

wall, cpu = time.perf_counter(), time.process_time()

import argparse  # noqa: E402,F401
import asyncio  # noqa: E402,F401
import concurrent.futures  # noqa: E402,F401
import ctypes  # noqa: E402,F401
import dataclasses  # noqa: E402,F401
import decimal  # noqa: E402,F401
import difflib  # noqa: E402,F401
import email.message  # noqa: E402,F401
import html.parser  # noqa: E402,F401
import http.server  # noqa: E402,F401
import inspect  # noqa: E402,F401
import logging.config  # noqa: E402,F401
import multiprocessing  # noqa: E402,F401
import pickletools  # noqa: E402,F401
import sqlite3  # noqa: E402,F401
import sys  # noqa: E402
import tarfile  # noqa: E402,F401
import unittest.mock  # noqa: E402,F401
import urllib.request  # noqa: E402,F401
import xml.etree.ElementTree  # noqa: E402,F401
import zipfile  # noqa: E402,F401

print(
    json.dumps(
        {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "result": len(sys.modules) > 100,
        }
    )
)
