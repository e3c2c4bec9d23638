# One image for every service: docker run streamgauge:local serve | dashboard | push | watch
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
# Labels, so that what a build leaves can be found and removed.
LABEL streamgauge.stage=build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY constraints.txt constraints-runtime.txt ./
RUN python -m venv /opt/streamgauge \
 && /opt/streamgauge/bin/pip install --quiet --require-hashes -r constraints-runtime.txt
# The build backend and what it needs, by the same pins, in a place that the image does not keep.
RUN awk '/^[a-z]/ { keep = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } keep' constraints.txt >build.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --quiet --require-hashes -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY ingest ingest
COPY broadcaster broadcaster
COPY dashboard dashboard
COPY examples examples
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && /opt/streamgauge/bin/pip install --quiet --no-deps --no-index /tmp/wheel/*.whl \
 && /opt/streamgauge/bin/pip uninstall --quiet --yes pip

FROM ${PYTHON_IMAGE}
LABEL streamgauge.stage=run
COPY --from=build /opt/streamgauge /opt/streamgauge
# What compose.yaml begins with: a new volume takes over what is there.
COPY --chown=10001:10001 examples/alerts /var/lib/streamgauge/alerts
COPY --chown=10001:10001 examples/dashboards /var/lib/streamgauge/dashboards
ENV PATH=/opt/streamgauge/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
ENTRYPOINT ["streamgauge"]
CMD ["--help"]
