# The retrieval demo of a run, behind a login. Build and start: docker compose up --build (see compose.yaml)
FROM python:3.13.5-slim-bookworm

# A build that should not fetch the CUDA packages of torch names an index of CPU wheels:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=ADDRESS .
ARG PIP_EXTRA_INDEX_URL=""
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 CIR_DATA=/data

RUN groupadd --gid 10001 demo && useradd --uid 10001 --gid demo --create-home demo \
 && mkdir /data && chown demo:demo /data

WORKDIR /app
COPY settings.ini setup.py README.md LICENSE MANIFEST.in ./
COPY cir_nb cir_nb
COPY models models
RUN pip install --no-cache-dir -e '.[qdrant,mcp,heic]' 'gradio>=6.22'

USER 10001:10001
VOLUME /data
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=600s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:7860/health', timeout=4)"]
# 0.0.0.0 is all of the container; what of it is reachable from outside, the published port decides.
# CIR_DEMO_AUTH=NAME:PASSWORD (or @FILE) says who may come in; without it the demo does not start.
CMD ["cir", "demo", "clip4cir-garments", "--host", "0.0.0.0", "--port", "7860"]
