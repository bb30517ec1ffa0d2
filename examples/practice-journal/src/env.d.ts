interface ImportMetaEnv {
  readonly VITE_USE_MOCK_STORAGE?: string
  readonly VITE_API_URL?: string
  readonly VITE_AUTH0_DOMAIN?: string
  readonly VITE_AUTH0_CLIENT_ID?: string
  readonly VITE_AUTH0_AUDIENCE?: string
  readonly VITE_MAX_RECORDING_BYTES?: string
}
