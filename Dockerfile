# One image for every service: `python -m <service>` is the command.
FROM python:3.11-slim-bookworm AS build
COPY requirements/runtime.lock /tmp/
# The root is read-only when it runs: bytecode that is not made here is made anew at every start and health check.
RUN python -m venv --without-pip /opt/grid \
 && python -m pip --python /opt/grid/bin/python install --quiet --no-cache-dir --no-compile \
    --disable-pip-version-check --require-hashes -r /tmp/runtime.lock \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/grid/lib
COPY admin_ui /app/admin_ui
COPY balancer /app/balancer
COPY deploy /app/deploy
COPY docs/runbooks /app/docs/runbooks
COPY gateway /app/gateway
COPY loadtest /app/loadtest
COPY runtime /app/runtime
COPY substation /app/substation
RUN python -m compileall -q --invalidation-mode unchecked-hash /app

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Smart Grid Load Balancer" \
      org.opencontainers.image.description="Admits EV charging onto the least loaded of several substations, durably" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
RUN groupadd --system --gid 10001 grid \
 && useradd --system --uid 10001 --gid grid --no-create-home --home-dir /nonexistent grid \
 && install --directory --owner=grid --group=grid --mode=0750 /data \
 && install --directory --owner=grid --group=grid --mode=0755 /given /given/database /given/grafana /runs /secrets /tls /tls/prometheus \
 && install --directory --owner=grid --group=grid --mode=0700 /given/balancer /given/gateway /given/substations \
    /tls/authority /tls/balancer /tls/console \
    /tls/gateway /tls/operator /tls/substations
COPY --from=build /opt/grid /opt/grid
COPY --from=build /app /app
ENV PATH=/opt/grid/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 DATA_DIR=/data
WORKDIR /app
USER 10001:10001
STOPSIGNAL SIGTERM
CMD ["python", "-c", "raise SystemExit('name a service: python -m gateway | balancer | substation | admin_ui | loadtest')"]
