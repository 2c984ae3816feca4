"""Unpack a source package of PyPI: `unpack.py FOLDER`. Its published test vectors are data for our own tests."""
import pathlib, sys, tarfile

folder = pathlib.Path(sys.argv[1])
for package in folder.glob('*.tar.gz'):
    with tarfile.open(package) as archive:
        archive.extractall(folder, filter='data')
