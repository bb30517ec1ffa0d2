/** Functions to be called with each value. */
export function createListeners<T>() {
  const listeners = new Set<(value: T) => void>()
  return {
    /** Returns a function that removes the listener again. */
    add(listener: (value: T) => void): () => void {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    notify: (value: T) => listeners.forEach((listener) => listener(value))
  }
}

export type Listeners<T> = ReturnType<typeof createListeners<T>>
