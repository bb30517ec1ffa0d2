/** Lets the journal open without a network. Where service workers are missing or refused, it needs one. */
export function registerServiceWorker() {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  navigator.serviceWorker
    .register(`${import.meta.env.BASE_URL}service-worker.js`, { updateViaCache: 'none' })
    .catch((error) => console.warn('The journal will not open without a network:', error))
}
