"""The same build on many machines: workers read, merge and render. Needs the extra ``syndicate[dask]``.

Data flows through the work area, a folder or object storage that all workers share; the scheduler sees
names and counts only. Every result is stored under a digest of all that it was made from, so that a run
does only what no run before it has done, whatever became of that one.
"""
