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

# Without --omit=optional npm keeps Prisma's CLI, TypeScript and React as optional peers: three times the size.
FROM base AS dependencies
RUN npm ci --omit=dev --omit=optional && npm cache clean --force

FROM base
# glibc would otherwise keep the memory of large buffers that are free: 60 MB after scores of 10 MB.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=262144
COPY prisma/migrations prisma/migrations
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 3000
# Not `npm start`, because SIGTERM must reach the server itself. The option limits the memory for young objects:
# Node.js 24 would otherwise keep up to 128 MB of chunks of recordings.
CMD ["node", "--max-semi-space-size=8", "dist/server/main.js"]
