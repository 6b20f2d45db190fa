# A complete server:  docker build -t tfserver . && docker run -v tfserver:/var/lib/tfserver -p 7788:7788 tfserver
# Options of tfserver may follow the image's name; compose.yaml has a fleet of three.
FROM python:3.11-slim-bookworm AS build
COPY . /source
RUN python -m venv /opt/tfserver
RUN /opt/tfserver/bin/pip install --no-cache-dir "/source[postgresql]"
# Twisted's list of plugins, which the user below could not write
RUN /opt/tfserver/bin/python -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))"

FROM python:3.11-slim-bookworm
COPY --from=build /opt/tfserver /opt/tfserver
RUN useradd --system --uid 7788 --user-group tfserver
RUN install -d -m 0700 -o tfserver -g tfserver /var/lib/tfserver
ENV PATH=/opt/tfserver/bin:$PATH PYTHONUNBUFFERED=1
USER tfserver
WORKDIR /var/lib/tfserver
VOLUME /var/lib/tfserver
# terminals, people
EXPOSE 7788 7789
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7789/healthz', timeout=4)"]
ENTRYPOINT ["twistd", "--nodaemon", "--pidfile=", "tfserver", "--data-dir", "/var/lib/tfserver", "--http", "tcp:7789"]
