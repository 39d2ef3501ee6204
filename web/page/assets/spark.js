// Small pictures of windows. They are fetched when they come into view, at most four at a time.
const most = 4, kept = new Map(), queue = []
let busy = 0
const detector = () => document.body.dataset.detector
const seen = new IntersectionObserver(entries => {
  for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); want(entry.target) }
}, { rootMargin: '200px' })

export function sparks() {
  for (const svg of document.querySelectorAll('svg[data-spark]')) {
    if (svg.childElementCount || svg.wanted) continue
    svg.wanted = true
    const old = kept.get(svg.dataset.spark)
    if (old) draw(svg, old.entity)
    if (!old || Date.now() - old.at > 60000) seen.observe(svg)
  }
}

function want(svg) { queue.push(svg); next() }

async function next() {
  if (busy >= most || !queue.length) return
  const svg = queue.shift(), key = svg.dataset.spark
  if (!svg.isConnected) return next()
  busy++
  try {
    const answer = await fetch('/api/v1/entity?' + new URLSearchParams({ detector: detector(), key }))
    if (answer.ok) {
      const entity = await answer.json()
      kept.set(key, { entity, at: Date.now() })
      if (kept.size > 200) kept.delete(kept.keys().next().value)
      draw(svg, entity)
    } else none(svg)
  } catch { none(svg) } finally { busy--; next() }
}

function none(svg) {
  if (!svg.childElementCount) svg.setAttribute('aria-label', svg.getAttribute('aria-label') + ': not known')
}

const make = (name, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return element
}

function draw(svg, entity) {
  const points = (entity.window ?? []).map(p => ({ at: Date.parse(p.time), value: p.value }))
  if (!points.length) return none(svg)
  // With the method habit, the band moves with the time of day.
  const moves = entity.method === 'habit', band = (entity.window ?? []).filter(p => p.expected !== undefined).map(p => ({ at: Date.parse(p.time), low: p.low, high: p.high }))
  const values = points.map(p => p.value).concat(moves ? band.flatMap(p => [p.low, p.high]) : [entity.low, entity.high].filter(v => v !== null))
  let low = Math.min(...values), high = Math.max(...values)
  if (Math.min(...points.map(p => p.value)) >= 0 && low < 0) low = 0
  if (high - low < 1e-12) [low, high] = [low - 1, high + 1]
  const away = (entity.episodes ?? []).filter(e => e.kind === 'absence').map(e => ({ from: Date.parse(e.opened_at), until: e.ended_at ? Date.parse(e.ended_at) : Infinity }))
  const missing = Date.parse(entity.missing?.at(-1)?.until ?? NaN) || 0
  const from = points[0].at, until = Math.max(points.at(-1).at, away.some(a => a.until === Infinity) ? missing : 0) || from + 1
  const x = t => (1 + (t - from) / Math.max(1, until - from) * 146).toFixed(1), y = v => (27 - (Math.max(low, Math.min(high, v)) - low) / (high - low) * 24).toFixed(1)
  const step = median(points.slice(1).map((p, i) => p.at - points[i].at)) * 1.5
  const line = points.map((p, i) => (i && p.at - points[i - 1].at <= step ? 'L' : 'M') + x(p.at) + ' ' + y(p.value)).join('')
  const parts = []
  if (moves) {
    const runs = [[]]
    for (const p of band) if (p.at - (runs.at(-1).at(-1)?.at ?? p.at) <= 3 * step) runs.at(-1).push(p); else runs.push([p])
    const area = run => 'M' + run.map(p => x(p.at) + ' ' + y(p.high)).concat(run.toReversed().map(p => x(p.at) + ' ' + y(p.low))).join('L') + 'Z'
    parts.push(make('path', { class: 'band', d: runs.filter(run => run.length > 1).map(area).join('') }))
  } else if (entity.low !== null && entity.high !== null) parts.push(make('rect', { class: 'band', x: 0, width: 150, y: y(entity.high), height: Math.max(1.5, y(entity.low) - y(entity.high)) }))
  for (const a of away) {
    const x1 = +x(Math.max(a.from, from)), x2 = +x(Math.min(a.until, until))
    if (x2 > x1) parts.push(make('rect', { class: 'away', x: x1, width: x2 - x1, y: 3, height: 24 }))
  }
  parts.push(make('path', { d: line, 'vector-effect': 'non-scaling-stroke' }))
  for (const side of ['down', 'up']) {
    const hits = (entity.anomalies ?? []).filter(a => a.direction === side && a.value !== null && Date.parse(a.time) >= from)
    if (hits.length) parts.push(make('path', { class: 'hits ' + side, d: hits.map(a => `M${x(Date.parse(a.time))} ${y(a.value)}h.01`).join(''), 'vector-effect': 'non-scaling-stroke' }))
  }
  svg.replaceChildren(...parts)
}

function median(list) {
  return list.length ? list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] : Infinity
}
