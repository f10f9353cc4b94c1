/** Calls `listener` when a pixel of the page becomes another number of pixels of the screen: another zoom, or another screen. */
export function onRatioChange(listener: () => void): void {
  const ratio = window.devicePixelRatio
  // A little room, for the ratio is rounded.
  const query = `(min-resolution: ${ratio - 0.001}dppx) and (max-resolution: ${ratio + 0.001}dppx)`
  window.matchMedia(query).addEventListener(
    'change',
    () => {
      onRatioChange(listener)
      listener()
    },
    { once: true },
  )
}
