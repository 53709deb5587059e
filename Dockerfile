# The service of `python -m multitask.serve`. Build and run it with
#   docker build -t multitask .
#   docker run --rm -p 127.0.0.1:8000:8000 --read-only --tmpfs /tmp multitask
FROM python:3.13-slim

# Fewer pools of memory, so that decoding in many threads does not grow the process.
ENV PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 \
    HOME=/tmp MPLCONFIGDIR=/tmp

WORKDIR /build
COPY . .
# Without a GPU: tensorflow-cpu in place of tensorflow, with the same requirements.
RUN sed -i 's/^    tensorflow>/    tensorflow-cpu>/' setup.cfg \
    && pip install ".[serve]" \
    && rm -rf /build

WORKDIR /srv
USER 65534:65534
EXPOSE 8000
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health')"]
# Only the host decides who reaches the port of a container.
ENTRYPOINT ["python", "-m", "multitask.serve", "--host", "0.0.0.0"]
