// The page is complete without scripts. These keep it fresh and let readers point into its pictures.
import { follow, remember } from './fresh.js'
import { lanes } from './lanes.js'
import { charts } from './chart.js'
import { sparks } from './spark.js'
import { evidence } from './evidence.js'

const enhance = () => { lanes(); charts(); sparks(); evidence() }

document.addEventListener('keydown', event => {
  const typing = event.target.closest?.('input, textarea, select')
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault()
    const field = document.querySelector('#q')
    field.focus()
    field.select()
  }
  if (event.key === 'Escape' && typing?.id === 'q') typing.blur()
})

remember()
enhance()
follow(enhance)
