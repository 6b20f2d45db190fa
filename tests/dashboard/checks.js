// What every page has to be, beyond what axe looks at. Runs in a world of its own beside the page: it sees the
// same document, and the page's policy does not bind it. Each check answers a list of complaints, empty when all
// is well.
'use strict'

globalThis.checks = (() => {
  const ACTIVE = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [contenteditable], '
    + '[onclick], [role=button], [role=link], [role=checkbox], [role=switch], [role=tab], [role=menuitem], [role=option]'
  const ONE_STOP = '[role=tablist], [role=menu], [role=menubar], [role=grid], [role=listbox], [role=radiogroup], '
    + '[role=toolbar], [role=tree]'
  const SHORT = 120
  const PAINTED = ['boxShadow', 'backgroundColor', 'borderTopColor', 'borderBottomColor', 'textDecorationLine', 'color']

  const short = (element) => {
    const html = element.outerHTML.replace(/\s+/g, ' ')
    return html.length > SHORT ? html.slice(0, SHORT) + '…' : html
  }
  const all = (selector) => [...document.querySelectorAll(selector)]
  const isSeen = (element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })
    && element.getClientRects().length > 0
  const isOff = (element) => element.matches(':disabled') || element.closest('[inert], [aria-hidden=true]') !== null
  const hasWords = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
  // for screen readers alone
  const isTiny = (element) => element.clientWidth <= 2 || element.clientHeight <= 2

  const scrolls = (element) => ['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(element).overflowX)
  const isHeld = (element) => {
    for (let above = element.parentElement; above && above !== document.body; above = above.parentElement) {
      if (scrolls(above)) return true
    }
    return false
  }

  function sideways() {
    const root = document.documentElement
    const wide = Math.max(root.scrollWidth, document.body.scrollWidth) - root.clientWidth
    if (wide < 1) return []
    const out = all('body *').filter((element) => {
      const box = element.getBoundingClientRect()
      return box.width > 0 && (box.right > root.clientWidth + 1 || box.left < -1) && !isHeld(element)
    })
    return [`the page scrolls sideways by ${wide} px`, ...out.slice(-5).map((element) => 'stands out: ' + short(element))]
  }

  function language() {
    const { lang, dir } = document.documentElement
    const right = /^(ar|fa|he|ur)\b/.test(lang) ? 'rtl' : 'ltr'
    if (!lang) return ['html has no lang']
    return dir === right ? [] : [`html has lang ${lang} and dir "${dir}"`]
  }

  // without it a phone shows a page for desktops, made small
  function fitting() {
    const told = document.querySelector('meta[name=viewport]')?.content ?? ''
    return /width=device-width/.test(told) && !/user-scalable=no|maximum-scale/.test(told) ? [] : [`viewport "${told}"`]
  }

  function heading() {
    const found = all('h1').filter(isSeen)
    if (found.length !== 1) return [`${found.length} h1 are seen`]
    return document.title.trim() === '' ? ['no title'] : []
  }

  function skip() {
    const first = all(ACTIVE).find((element) => element.tabIndex >= 0 && !isOff(element))
    const to = first && first.getAttribute('href')
    if (!to || !to.startsWith('#')) return ['the first stop is no link past what repeats: ' + (first ? short(first) : 'none')]
    const target = document.getElementById(to.slice(1))
    return target ? [] : [`the skip link leads to ${to}, which is not there`]
  }

  const isNamed = (element) => element.closest('[title], [aria-label]') !== null
  function cut() {
    return all('body *').filter((element) => {
      if (!hasWords(element) || !isSeen(element) || isTiny(element) || isNamed(element)) return false
      const { overflowX, display } = getComputedStyle(element)
      return display !== 'inline' && ['hidden', 'clip'].includes(overflowX) && element.scrollWidth > element.clientWidth + 1
    }).map((element) => `cut off, and no title: ${short(element)}`)
  }

  function spilled() {
    return all('button, a, label, th, td, summary, h1, h2, h3, legend, dt, dd').filter((element) => {
      if (!isSeen(element) || isTiny(element) || isHeld(element)) return false
      const { overflowX, display } = getComputedStyle(element)
      return display !== 'inline' && overflowX === 'visible' && element.scrollWidth > element.clientWidth + 1
    }).map((element) => `more in it than room: ${short(element)}`)
  }

  // ---- the keyboard: Python presses Tab between calls

  let stops, unfocused, last
  const paint = (element) => {
    const style = getComputedStyle(element)
    return PAINTED.map((name) => style[name]).join('|')
  }
  const active = () => all(ACTIVE).filter((element) => isSeen(element) && !isOff(element))

  function begin() {
    if (document.activeElement) document.activeElement.blur()
    getSelection().removeAllRanges()
    // Tab goes on from where the focus was last, also when a page gave it to a field itself
    const start = document.createElement('span')
    start.tabIndex = -1
    document.body.prepend(start)
    start.focus()
    start.remove()
    stops = new Set()
    last = null
    unfocused = new Map(active().map((element) => [element, paint(element)]))
    return unfocused.size
  }

  const isCovered = (element) => {
    // of what is taller than the window the part in it counts
    const whole = element.getBoundingClientRect()
    const top = Math.max(whole.top, 0), left = Math.max(whole.left, 0)
    const box = { top, left, width: Math.min(whole.right, innerWidth) - left, height: Math.min(whole.bottom, innerHeight) - top }
    const places = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9]]
    return !places.some(([x, y]) => {
      const front = document.elementFromPoint(box.left + x * box.width, box.top + y * box.height)
      return front !== null && (element.contains(front) || front.contains(element) || front.closest('label')?.control === element)
    })
  }

  const hasRing = (element) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element)
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1 && !/, 0\)$/.test(outlineColor)
  }
  const isMarked = (element) => {
    // a box whose frame shows the focus, as of a search field
    const frame = element.parentElement?.matches(':focus-within') ? element.parentElement : null
    const before = unfocused.get(element)
    return hasRing(element) || (before !== undefined && before !== paint(element)) || (frame !== null && hasRing(frame))
  }

  // After each Tab: null at the end of the round, else what is wrong with this stop.
  function stop() {
    const element = document.activeElement
    if (!element || element === document.body) return null
    // a date is one field with several stops
    if (element === last && element.matches('input[type=date], input[type=time], input[type=datetime-local]')) return []
    last = element
    if (stops.has(element)) return null
    stops.add(element)
    document.getAnimations().forEach((each) => each.finish())
    const wrong = []
    if (!isMarked(element)) wrong.push('not seen that it has the focus: ' + short(element))
    if (isCovered(element)) wrong.push('has the focus behind something, or out of sight: ' + short(element))
    return wrong
  }

  const isBeside = (element) => {
    const group = element.closest(ONE_STOP)
    return group !== null && [...stops].some((each) => group.contains(each))
  }
  const isSameRadio = (element) => element.type === 'radio'
    && [...stops].some((each) => each.type === 'radio' && each.name === element.name && each.form === element.form)

  // `whole`: the round came to its end; otherwise what was not reached may only stand further down.
  function unreached(whole) {
    return active().filter((element) => !stops.has(element) && !isBeside(element) && !isSameRadio(element)
      && (whole || element.tabIndex < 0) && !(element.tabIndex < 0 && element.matches('[tabindex="-1"]:not(a, button, input, '
      + 'select, textarea, summary, [role])'))).map((element) => 'no Tab leads to it: ' + short(element))
  }

  // ---- axe

  const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
  async function accessibility() {
    const found = await axe.run(document, {
      runOnly: { type: 'tag', values: TAGS },
      rules: { 'target-size': { enabled: true } }, // 2.5.8 is in none of its defaults
      resultTypes: ['violations'],
    })
    return found.violations.flatMap((rule) => rule.nodes.map((node) => {
      const why = node.failureSummary.split('\n').slice(1).map((line) => line.trim()).join('; ')
      return `${rule.id} (${rule.impact}) at ${node.target.join(' ')}: ${why.slice(0, 2 * SHORT)}: `
        + node.html.replace(/\s+/g, ' ').slice(0, SHORT)
    }))
  }

  const layout = () => [...sideways(), ...cut(), ...spilled()]
  const structure = () => [...language(), ...fitting(), ...heading(), ...skip()]
  return { layout, structure, begin, stop, unreached, accessibility }
})()
