# Cairn and the git it runs, nothing else. See docs/how-to/run-on-s3.md for how to use it.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json join-modules.mjs ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
# tini reaps what git's children leave when a client breaks off, which Node as process 1 would not.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates git tini \
  && rm -rf /var/lib/apt/lists/* \
  && mkdir /data /cache /keys \
  && chown node:node /data /cache /keys \
  && chmod 700 /data /cache /keys
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
RUN ln -s /app/dist/main.js /usr/local/bin/cairn && chmod +x /app/dist/main.js

# On every address, so that ports can be published; CAIRN_PUBLIC_URL then has to say what clients call it.
ENV NODE_ENV=production CAIRN_STORE=file:/data CAIRN_CACHE=/cache CAIRN_SERVICE_KEY=/keys/service.key CAIRN_HOST=0.0.0.0
VOLUME ["/data", "/cache", "/keys"]
EXPOSE 8080
USER node

HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "const { CAIRN_PORT = '8080', CAIRN_TLS_CERT } = process.env; process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; fetch(`${CAIRN_TLS_CERT ? 'https' : 'http'}://127.0.0.1:${CAIRN_PORT}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["tini", "--", "cairn"]
CMD ["serve"]
