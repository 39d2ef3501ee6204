// Copies everything that a verdict follows from. If the browser refuses, the text is shown instead.
export function evidence() {
  for (const button of document.querySelectorAll('[data-copy][hidden]')) {
    button.hidden = false
    button.addEventListener('click', () => copy(button))
  }
}

async function copy(button) {
  const value = JSON.parse(document.querySelector('#evidence-json').textContent)
  value.permalink = new URL(value.permalink, location.href).href
  const text = JSON.stringify(value, null, 2)
  try {
    await navigator.clipboard.writeText(text)
    button.textContent = 'Copied'
    document.querySelector('#said').textContent = 'The evidence is copied.'
    setTimeout(() => { button.textContent = 'Copy evidence' }, 2000)
  } catch {
    const panel = document.querySelector('#evidence'), area = panel.querySelector('textarea')
    panel.hidden = false
    area.value = text
    area.focus()
    area.select()
  }
}
