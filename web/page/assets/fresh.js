// Keeps the page fresh. An event of the stream only says that something has happened. Then the script asks for the page
// again and replaces the parts that differ. So only the server knows how things are written.
//
// A view of 129 anomalies cost the server 3 ms of a processor. A page asks at most every 3 s, and spends at most one part in
// 200 of the time, so ten open pages take at most 5 % of one processor. A hidden page asks for nothing.
const least = 3000, status = 10000, longest = 30000 // ms
const share = 200
const body = document.body, banner = document.querySelector('#lost'), flow = document.querySelector('#flow')
// lost is when to try again; 0: the connection works.
let source, connected = false, cursor = '', wait = 1000, timer, next = 0, retry, asking = false, again = false, lastAsked = Date.now(), took = 0, lastGood = Date.now()
let paused = false, missed = 0, lost = 0, why = '', enhance = () => {}

// remember keeps the parts as the server wrote them, before a script changes them.
export function remember() {
  for (const part of document.querySelectorAll('[data-part]')) part.server = part.outerHTML
}

export function follow(enhanced) {
  enhance = enhanced
  if (document.querySelector('[data-again]')) return setInterval(() => { if (!document.hidden) location.reload() }, 3000)
  if (!flow || body.dataset.page === 'api') return
  flow.hidden = false
  flow.addEventListener('click', pause)
  document.addEventListener('visibilitychange', () => document.hidden ? close() : open(true))
  addEventListener('pagehide', close)
  addEventListener('pageshow', event => { if (event.persisted) open(true) })
  setInterval(tellLost, 1000)
  open(false)
}

// A page has one stream, and none while it is hidden, because browsers allow few connections to a host.
function open(catchUp) {
  close()
  if (document.hidden) return
  const query = new URLSearchParams({ detector: body.dataset.detector })
  if (cursor) query.set('cursor', cursor)
  source = new EventSource('/api/v1/stream?' + query)
  source.onopen = () => { connected = true; ask(lost || catchUp ? 0 : least) } // also what happened before it was open
  source.onerror = () => {
    if (connected) lastGood = Date.now()
    lose('Connection lost.')
  }
  for (const kind of ['anomaly', 'episode', 'gap', 'status']) source.addEventListener(kind, event => {
    if (event.lastEventId) cursor = event.lastEventId
    if (kind === 'anomaly' && paused) count()
    if (!paused) ask(kind === 'status' ? status : least)
  })
}

function close() {
  source?.close()
  source = undefined
  connected = false
  clearTimeout(retry)
}

// lose tries again, each time after a longer wait. The view stays, greyed, with its age.
function lose(reason) {
  close()
  why = reason
  const pause = wait * (0.8 + Math.random() * 0.4)
  wait = Math.min(wait * 2, longest)
  retry = setTimeout(() => open(true), pause)
  lost = Date.now() + pause
  tellLost()
}

function tellLost() {
  const away = lost > 0 && Date.now() - lastGood > 1500
  body.classList.toggle('stale', away)
  label()
  if (!away) { banner.hidden = true; return }
  const age = Math.round((Date.now() - lastGood) / 1000), next = Math.max(0, Math.round((lost - Date.now()) / 1000))
  banner.firstElementChild.textContent = why
  banner.lastElementChild.textContent = `This view is ${age < 120 ? age + ' s' : Math.round(age / 60) + ' min'} old. ` + (next ? `Trying again in ${next} s.` : 'Trying again.')
  banner.setAttribute('aria-live', banner.hidden ? 'polite' : 'off') // told once, not each second
  banner.hidden = false
}

function found() {
  lost = 0
  wait = 1000
  lastGood = Date.now()
  tellLost()
}

// ask fetches the page anew, at most once in a number of milliseconds.
function ask(every) {
  if (asking) { again = true; return }
  const due = lastAsked + Math.max(every, every && took * share)
  if (timer && next <= due) return
  next = due
  clearTimeout(timer)
  timer = setTimeout(refresh, Math.max(0, due - Date.now()))
}

async function refresh() {
  timer = undefined
  if (asking || document.hidden) return
  asking = true
  lastAsked = Date.now()
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, signal: AbortSignal.timeout(15000) })
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    took = Number(answer.headers.get('Server-Timing')?.match(/dur=([\d.]+)/)?.[1] ?? 0)
    if (answer.status >= 500 || !fresh.querySelector('#main')) {
      lose(`The server answers with an error, ${answer.status}.`)
    } else {
      if (answer.ok) swap(fresh); else tell(fresh)
      found()
    }
  } catch { lose('Connection lost.') } finally {
    asking = false
    if (again) { again = false; ask(least) }
  }
}

// tell shows why there is no view any more, for instance because its entity is not known any longer.
function tell(fresh) {
  const main = document.querySelector('#main'), other = fresh.querySelector('#main')
  if (main.textContent === other.textContent) return
  document.title = fresh.title
  main.replaceWith(document.importNode(other, true))
  document.querySelector('#said').textContent = document.querySelector('h1')?.textContent ?? ''
}

function swap(fresh) {
  const before = document.querySelector('#headline')?.textContent
  const parts = [...document.querySelectorAll('[data-part]')]
  const names = new Set(parts.map(part => part.dataset.part))
  const next = [...fresh.querySelectorAll('[data-part]')]
  if (next.some(part => !names.has(part.dataset.part) && part.dataset.part !== 'filters')) return location.reload()
  for (const part of parts) {
    const other = fresh.querySelector(`[data-part="${part.dataset.part}"]`)
    if (!other || part.server === other.outerHTML || busy(part)) continue
    replace(part, other)
  }
  rows(fresh)
  enhance()
  const after = document.querySelector('#headline')?.textContent
  if (after && after !== before) document.querySelector('#said').textContent = after
}

// busy says whether a reader points into a part's picture or selects text in it. Such a part is not replaced.
const busy = part => part.querySelector('.tip:not([hidden])') || (getSelection().type === 'Range' && part.contains(getSelection().anchorNode))

function replace(part, other) {
  const held = part.contains(document.activeElement) ? document.activeElement : null
  const opened = [...part.querySelectorAll('details[open][id]')].map(d => d.id)
  const fresh = document.importNode(other, true)
  fresh.server = other.outerHTML
  const scrolled = [...part.querySelectorAll('.scroll')].map(s => [s.scrollLeft, s.scrollTop])
  part.replaceWith(fresh)
  for (const id of opened) document.getElementById(id)?.setAttribute('open', '')
  fresh.querySelectorAll('.scroll').forEach((s, i) => { if (scrolled[i]) [s.scrollLeft, s.scrollTop] = scrolled[i] })
  if (!held) return
  enhance()
  const same = held.id ? '#' + held.id : held.dataset.lanes !== undefined ? '[data-lanes]' : held.dataset.chart !== undefined ? '[data-chart]' : held.getAttribute('href') ? `a[href="${CSS.escape(held.getAttribute('href'))}"]` : held.tagName
  fresh.querySelector(same)?.focus({ preventScroll: true })
}

// rows puts new rows above the others, and drops the oldest.
function rows(fresh) {
  const table = document.querySelector('[data-rows]'), other = fresh.querySelector('[data-rows]')
  if (!table || !other || new URLSearchParams(location.search).has('cursor')) return
  const known = new Set([...table.rows].map(row => row.dataset.id))
  const add = [...other.rows].filter(row => !known.has(row.dataset.id))
  const note = document.querySelector('#live-note')
  if (known.size && add.length && add.length === other.rows.length) {
    table.replaceChildren() // more came than one answer holds: begin anew rather than hide a gap
    note.textContent = 'More came than fits: older ones are on the next page.'
  }
  add.reverse().forEach(row => {
    const added = document.importNode(row, true)
    added.classList.add('fresh')
    table.prepend(added)
  })
  while (table.rows.length > Number(table.dataset.rows)) table.deleteRow(-1)
}

function pause() {
  paused = !paused
  missed = 0
  flow.setAttribute('aria-pressed', String(!paused))
  label()
  if (!paused) ask(0)
}

function count() {
  missed++
  label()
}

function label() {
  const text = paused ? 'Paused' + (missed ? `, ${missed} new` : '') : body.classList.contains('stale') ? 'Not updating' : 'Updating'
  if (flow.lastElementChild.textContent !== text) flow.lastElementChild.textContent = text
}
