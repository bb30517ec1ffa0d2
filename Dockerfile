FROM node:24-slim AS base
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

FROM base AS build
RUN npm ci
COPY tsconfig.json tsconfig.build.json prisma.config.ts ./
COPY scripts scripts
COPY prisma prisma
COPY src src
RUN npm run build:server

# Without --omit=optional npm keeps Prisma's CLI, TypeScript and React as optional peers: three times the size. The
# script removes what no server loads: query compilers of other databases, types, source maps, tests,
# and TypeBox, which is bundled.
FROM base AS dependencies
COPY scripts/prune-production.mjs scripts/
RUN npm ci --omit=dev --omit=optional && node scripts/prune-production.mjs && npm cache clean --force

FROM base
# glibc would otherwise keep the memory of large buffers that are free: 60 MB after scores of 10 MB.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=262144
COPY prisma/migrations prisma/migrations
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "dist/server/commands/check-health.js"]
# Not `npm start`, because SIGTERM must reach the server itself. The first option limits the memory for young objects:
# Node.js 24 would otherwise keep up to 128 MB of chunks of recordings. The second stops V8 from allocating objects of
# requests among the old ones, the third lets the heap double before V8 collects all of it: see docs/running.md.
CMD ["node", "--max-semi-space-size=8", "--no-allocation-site-pretenuring", "--heap-growing-percent=100", "dist/server/main.js"]
