// The read-out of a chart, by pointer and by arrow keys.
import { place } from './lanes.js'

export function charts() {
  for (const chart of document.querySelectorAll('[data-chart]:not([tabindex])')) enhance(chart)
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'], months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = n => String(n).padStart(2, '0')
const when = seconds => {
  const t = new Date(seconds * 1000)
  return `${days[t.getUTCDay()]} ${t.getUTCDate()} ${months[t.getUTCMonth()]} ${two(t.getUTCHours())}:${two(t.getUTCMinutes())} UTC`
}

function enhance(chart) {
  const data = JSON.parse(chart.querySelector('script').textContent), points = data.points
  if (!points?.length) return
  const tip = chart.querySelector('.tip'), cross = chart.querySelector('.cross'), here = chart.querySelector('.here')
  const label = chart.getAttribute('aria-label')
  const x = point => (point.at - data.from) / (data.until - data.from), y = point => (data.high - point.value) / (data.high - data.low)
  let at = points.length - 1
  for (const title of chart.querySelectorAll('.hit title')) title.remove()

  chart.tabIndex = 0
  chart.setAttribute('role', 'slider')
  chart.setAttribute('aria-label', label + '; arrow keys move')
  chart.setAttribute('aria-valuemin', 0)
  chart.setAttribute('aria-valuemax', points.length - 1)
  const speak = () => {
    chart.setAttribute('aria-valuenow', at)
    chart.setAttribute('aria-valuetext', [when(points[at].at), points[at].text, points[at].more].filter(Boolean).join(', '))
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
    lead.textContent = point.more ? `${point.text} · ${point.more}` : point.text
    tip.replaceChildren(lead, `${when(point.at)} · ${data.band}`)
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
  chart.addEventListener('pointerleave', hide)
  chart.addEventListener('focus', () => { if (chart.matches(':focus-visible')) show(at) })
  chart.addEventListener('blur', hide)
  chart.addEventListener('keydown', event => {
    const jump = step => { let i = at + step; while (points[i] && !points[i].more) i += step; return points[i] ? i : at }
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 12, PageDown: at + 12, Home: 0, End: points.length - 1, ArrowUp: jump(-1), ArrowDown: jump(1) }
    if (event.key in to) { event.preventDefault(); show(to[event.key]) }
    if (event.key === 'Escape') hide()
  })
}
