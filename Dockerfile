# infakt-kafka as an image: docker build -t infakt-kafka .
# docs/deploy.md says how to run it. It writes no file, so its root may be read-only.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && npm pack --ignore-scripts --silent --pack-destination /tmp \
    && mkdir /app && tar -xzf /tmp/infakt-kafka-*.tgz -C /app --strip-components=1 \
    && cp package-lock.json .npmrc /app && cd /app && npm ci --omit=dev --omit=peer --ignore-scripts --no-audit --no-fund \
    && rm package-lock.json .npmrc

FROM node:24-slim
# The page, health and metrics are reached from outside the container; publish the port to whom it concerns.
ENV NODE_ENV=production HTTP_HOST=0.0.0.0
WORKDIR /app
# Owned by root: the program cannot change itself.
COPY --from=build /app ./
USER node
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/src/main.js"]
CMD ["run", "--config", "/etc/infakt-kafka/service.json", "--entities", "/etc/infakt-kafka/entities"]
