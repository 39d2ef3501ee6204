// The read-out of a chart, by pointer and by arrow keys.
import { place } from './lanes.js'

export function charts() {
  for (const chart of document.querySelectorAll('[data-chart]:not([tabindex])')) enhanceChart(chart)
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'], months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = n => String(n).padStart(2, '0')
const when = (seconds, year) => {
  const t = new Date(seconds * 1000)
  return `${days[t.getUTCDay()]} ${t.getUTCDate()} ${months[t.getUTCMonth()]} ${year ? t.getUTCFullYear() + ' ' : ''}${two(t.getUTCHours())}:${two(t.getUTCMinutes())} UTC`
}

// unpack makes points of columns.
function unpack(data) {
  let at = data.from
  const high = data.high, range = data.high - data.low
  return data.times.map((step, i) => ({ at: at += step, value: high - data.heights[i] / 1000 * range, text: data.texts[i] }))
}

function enhanceChart(chart) {
  const data = JSON.parse(chart.querySelector('script').textContent), points = data.times ? unpack(data) : data.points
  if (!points?.length) return
  const tip = chart.querySelector('.tip'), cross = chart.querySelector('.cross'), here = chart.querySelector('.here')
  const layers = [...chart.querySelectorAll('[data-layer]')]
  const label = chart.getAttribute('aria-label')
  const x = point => (point.at - data.from) / (data.until - data.from), y = point => (data.high - point.value) / (data.high - data.low)
  // more is the text about an anomaly. Of several layers the one that is displayed decides.
  const more = i => {
    if (!data.layers) return points[i].more
    const [deviation, usual] = data.layers[layers.findIndex(layer => getComputedStyle(layer).display !== 'none')]?.[i] ?? []
    return deviation && `${deviation} deviations from ${usual}`
  }
  let at = points.length - 1
  for (const title of chart.querySelectorAll('.hit title')) title.remove()

  chart.tabIndex = 0
  chart.setAttribute('role', 'slider')
  chart.setAttribute('aria-label', label + '; arrow keys move')
  chart.setAttribute('aria-valuemin', 0)
  chart.setAttribute('aria-valuemax', points.length - 1)
  const speak = () => {
    chart.setAttribute('aria-valuenow', at)
    chart.setAttribute('aria-valuetext', [when(points[at].at, data.year), points[at].text, more(at), points[at].band].filter(Boolean).join(', '))
  }
  speak()

  function show(i) {
    at = Math.max(0, Math.min(points.length - 1, i))
    const point = points[at], left = x(point) * 100 + '%'
    cross.setAttribute('x1', left)
    cross.setAttribute('x2', left)
    here.setAttribute('cx', left)
    here.setAttribute('cy', y(point) * 100 + '%')
    for (const mark of [cross, here]) mark.setAttribute('visibility', 'visible')
    const lead = document.createElement('b')
    lead.textContent = [point.text, more(at)].filter(Boolean).join(' · ')
    tip.replaceChildren(lead, [when(point.at, data.year), point.band ?? data.band].filter(Boolean).join(' · '))
    tip.hidden = false
    place(tip, chart, x(point), y(point) < 0.4 ? chart.clientHeight - 78 : 8)
    speak()
  }

  function hide() {
    tip.hidden = true
    for (const mark of [cross, here]) mark.setAttribute('visibility', 'hidden')
  }

  function nearest(event) {
    const box = chart.getBoundingClientRect(), t = data.from + (event.clientX - box.left) / box.width * (data.until - data.from)
    return points.reduce((best, point, i) => Math.abs(point.at - t) < Math.abs(points[best].at - t) ? i : best, 0)
  }

  chart.addEventListener('pointermove', event => show(nearest(event)))
  if (data.layers) addEventListener('change', speak) // another layer
  chart.addEventListener('pointerleave', hide)
  chart.addEventListener('focus', () => { if (chart.matches(':focus-visible')) show(at) })
  chart.addEventListener('blur', hide)
  chart.addEventListener('keydown', event => {
    const jump = step => { let i = at + step; while (points[i] && !more(i)) i += step; return points[i] ? i : at }
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 12, PageDown: at + 12, Home: 0, End: points.length - 1, ArrowUp: jump(-1), ArrowDown: jump(1) }
    if (event.key in to) { event.preventDefault(); show(to[event.key]) }
    if (event.key === 'Escape') hide()
  })
}
