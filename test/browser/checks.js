// What a machine can tell of a view: names, headings, contrast, width. Gives a list of faults.
(() => {
  const faults = [], say = (fault, element) => faults.push(`${fault}: ${(element?.outerHTML ?? '').replace(/\s+/g, ' ').slice(0, 160)}`)
  const visible = e => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && e.getClientRects().length > 0 && !e.closest('.sr, .skip')

  // every control has a name, and a name that two controls share leads to one place
  const name = e => (e.getAttribute('aria-label') || (e.getAttribute('aria-labelledby') ?? '').split(' ').map(id => document.getElementById(id)?.textContent ?? '').join(' ').trim() ||
    (e.labels?.[0]?.textContent ?? '') || e.textContent || e.title || '').trim()
  for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"], svg[role=img], nav, table caption')) {
    if (!e.closest('[aria-hidden=true]') && e.checkVisibility() && !name(e)) say('no name', e)
  }
  for (const label of document.querySelectorAll('[aria-labelledby], [aria-describedby], [aria-controls]')) {
    for (const attribute of ['aria-labelledby', 'aria-describedby', 'aria-controls']) {
      for (const id of (label.getAttribute(attribute) ?? '').split(' ').filter(Boolean)) if (!document.getElementById(id)) say(`${attribute} names nothing`, label)
    }
  }
  const ids = new Set()
  for (const e of document.querySelectorAll('[id]')) { if (ids.has(e.id)) say('an id twice', e); ids.add(e.id) }
  for (const e of document.querySelectorAll('[aria-hidden=true] a[href]:not([tabindex="-1"]), [aria-hidden=true] button')) say('hidden but can have the focus', e)
  for (const e of document.querySelectorAll('[tabindex]')) if (e.tabIndex > 0) say('tabindex above 0', e)

  // one h1, no level left out; landmarks; tables with heads; a language and a title
  const levels = [...document.querySelectorAll('h1, h2, h3, h4')].filter(e => e.checkVisibility()).map(e => +e.tagName[1])
  if (levels.filter(l => l === 1).length !== 1) say(`${levels.filter(l => l === 1).length} h1`, document.body.querySelector('h1'))
  let level = 0
  for (const l of levels) { if (l > level + 1 && !(level === 0 && l === 2)) say(`h${l} after h${level}`, null); level = l }
  for (const tag of ['header', 'main', 'nav', 'footer']) if (!document.querySelector(tag)) say(`no ${tag}`, null)
  for (const table of document.querySelectorAll('table')) if (!table.querySelector('th[scope]')) say('a table without heads', table)
  if (!document.documentElement.lang || !document.title) say('no language or title', null)
  for (const e of document.querySelectorAll('[style]')) if (e.getAttribute('style') && !e.matches('.tip')) say('an inline style', e)
  const alone = document.querySelector('meta[http-equiv="Content-Security-Policy"]') // a page in one file names its script and style there
  for (const e of document.querySelectorAll('script:not([src]):not([type="application/json"]), style')) if (!alone) say('an inline script or style', e)

  // no scrolling sideways of the page, nothing tiny, nothing cut
  const width = Math.min(document.documentElement.clientWidth, screen.width) // a phone makes innerWidth as wide as what overflows
  if (document.documentElement.scrollWidth > width) {
    say(`the page is ${document.documentElement.scrollWidth} px wide`, [...document.querySelectorAll('main *, header *')].find(e => e.getBoundingClientRect().right > width + 1 && !e.closest('.scroll :not(.sr), .tabs, svg')))
  }
  for (const e of document.querySelectorAll('h1, h2, p, td, th, button, .seg a, .strip b')) {
    if (visible(e) && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'hidden') say('text is cut', e)
  }

  // contrast, from what is computed: 4.5 for text, 3 for large text and borders of fields
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgb = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255] }
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3])).concat(1)
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b }
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05) }
  const ground = e => { const layers = []; for (let p = e; p; p = p.parentElement) { const c = rgb(getComputedStyle(p).backgroundColor); if (c[3]) layers.push(c); if (c[3] === 1) break } return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]) }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), checked = new Map()
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement
    if (!node.textContent.trim() || !visible(e) || e.closest('script, template, title')) continue
    const style = getComputedStyle(e), svg = e.closest('svg')
    const behind = ground(svg ?? e), color = over(rgb(svg ? style.fill : style.color), behind)
    const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700
    const have = ratio(color, behind), want = large ? 3 : 4.5, key = `${style.color}${behind}${want}`
    if (have < want && !checked.has(key)) { checked.set(key, true); say(`contrast ${have.toFixed(2)}, want ${want}`, e) }
    if (parseFloat(style.fontSize) < 12) say(`text of ${style.fontSize}`, e)
  }
  for (const e of document.querySelectorAll('main input:not([type=hidden]), header input:not([type=hidden]), select')) {
    if (visible(e) && ratio(rgb(getComputedStyle(e).borderTopColor), ground(e.parentElement)) < 3) say('a field whose border cannot be seen', e)
  }
  // marks of pictures against what they lie on
  for (const e of document.querySelectorAll('svg .u2, svg .u3, svg .d2, svg .d3, svg .n2, svg .n3, svg .hit, svg .value, svg .known-edge, .dots use:not(.rim)')) {
    const style = getComputedStyle(e), color = e.matches('.value, use') ? style.stroke : style.fill
    const want = e.matches('.u2, .d2, .n2') ? 1.9 : 3
    if (ratio(rgb(color), ground(e.closest('svg'))) < want && !checked.has(color)) { checked.set(color, true); say(`a mark of contrast ${ratio(rgb(color), ground(e.closest('svg'))).toFixed(2)}`, e) }
  }
  return faults
})()
