// The read-out of the lanes, for the cell that the pointer is near or that the arrow keys have reached.
export function lanes() {
  for (const plot of document.querySelectorAll('[data-lanes]:not([tabindex])')) enhanceLanes(plot)
}

function enhanceLanes(plot) {
  const cells = [...plot.querySelectorAll('g[data-name] rect')]
  if (!cells.length) return
  const tip = plot.querySelector('.tip'), mark = plot.querySelector('.mark')
  const rows = [...new Set(cells.map(cell => +cell.getAttribute('y')))]
  const at = cell => parseFloat(cell.getAttribute('x')) // of 100
  const says = cell => cell.said ??= cell.querySelector('title').textContent
  let chosen
  for (const cell of cells) { says(cell); cell.querySelector('title').remove() } // one read-out is enough

  plot.tabIndex = 0
  plot.setAttribute('aria-roledescription', cells[0].closest('a') ? 'picture; arrow keys move, enter shows episodes' : 'picture; arrow keys move')

  function show(cell, spoken) {
    chosen = cell
    tip.hidden = !cell
    mark.setAttribute('width', 0)
    if (!cell) return
    for (const name of ['x', 'y', 'width']) mark.setAttribute(name, cell.getAttribute(name))
    mark.setAttribute('height', 18)
    tip.setAttribute('aria-live', spoken ? 'polite' : 'off')
    const [where, ...rest] = says(cell).split(': ')
    const lead = document.createElement('b')
    lead.textContent = rest.join(': ')
    tip.replaceChildren(lead, where)
    place(tip, plot, at(cell) / 100, +cell.getAttribute('y') + 26)
  }

  function near(event) {
    const box = plot.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * 100, y = event.clientY - box.top
    let best, least = Math.max(12 / box.width * 100, 0.5)
    for (const cell of cells) {
      const top = +cell.getAttribute('y'), width = parseFloat(cell.getAttribute('width'))
      if (y < top - 2 || y > top + 20) continue
      const distance = Math.max(at(cell) - x, x - at(cell) - width, 0)
      if (distance < least) [best, least] = [cell, distance]
    }
    return best
  }

  plot.addEventListener('pointermove', event => { const cell = near(event); if (cell !== chosen) show(cell); plot.classList.toggle('on', Boolean(cell)) })
  plot.addEventListener('pointerleave', () => show())
  plot.addEventListener('click', event => {
    const cell = near(event)
    if (cell && !event.target.closest('a')) cell.parentNode.dispatchEvent(new MouseEvent('click', { bubbles: false, cancelable: true }))
  })
  plot.addEventListener('blur', () => show())
  plot.addEventListener('keydown', event => {
    const now = chosen ?? cells[0], row = +now.getAttribute('y')
    const same = cells.filter(cell => +cell.getAttribute('y') === row)
    const nearest = list => list.reduce((a, b) => Math.abs(at(b) - at(now)) < Math.abs(at(a) - at(now)) ? b : a)
    const line = step => { const y = rows[rows.indexOf(row) + step]; return y === undefined ? now : nearest(cells.filter(cell => +cell.getAttribute('y') === y)) }
    const i = same.indexOf(now)
    const to = { ArrowLeft: same[i - 1], ArrowRight: chosen ? same[i + 1] : now, ArrowUp: line(-1), ArrowDown: line(1), Home: same[0], End: same.at(-1) }
    if (event.key in to) { event.preventDefault(); show(to[event.key] ?? now, true) }
    if (event.key === 'Enter' && chosen?.closest('a')) location.href = chosen.parentNode.getAttribute('href')
    if (event.key === 'Escape') show()
  })
}

// place puts a read-out beside a part of a picture, on the side that has room.
export function place(tip, plot, part, top) {
  tip.style.top = top + 'px'
  tip.style.left = part < 0.5 ? part * 100 + 1.5 + '%' : 'auto'
  tip.style.right = part < 0.5 ? 'auto' : (1 - part) * 100 + 1.5 + '%'
}
