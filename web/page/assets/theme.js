// Sets the colours that the reader has chosen, before the first paint. No choice: as the system.
(() => {
  const root = document.documentElement, names = ['', 'light', 'dark']
  const stored = () => { try { return localStorage.getItem('theme') || '' } catch { return '' } }
  const apply = name => name ? root.dataset.theme = name : delete root.dataset.theme
  apply(stored())
  addEventListener('DOMContentLoaded', () => {
    const button = document.querySelector('#theme')
    const tell = () => button.setAttribute('aria-label', 'Colours: ' + (root.dataset.theme || 'as the system'))
    button.hidden = false
    tell()
    button.addEventListener('click', () => {
      const next = names[(names.indexOf(root.dataset.theme || '') + 1) % names.length]
      apply(next)
      try { localStorage.setItem('theme', next) } catch { /* it lasts for this view */ }
      tell()
    })
  })
})()
