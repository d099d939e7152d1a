/** The voter pages in Spanish. */
import type { Messages } from './messages.ts';

const BUSY = 'Hay mucha gente votando ahora. Inténtalo de nuevo en un momento.';

const REFUSALS: Readonly<Record<string, string>> = {
  poll_closed: 'La votación cerró antes de que llegara el voto.',
  poll_not_open: 'La votación no recibe votos en este momento.',
  poll_not_found: 'Esta votación ya no existe.',
  option_not_found: 'Esta opción no existe. Recarga la página y elige de nuevo.',
  id_expired: 'La página estuvo abierta demasiado tiempo. Vota de nuevo.',
  id_in_future: 'No se pudo ajustar la hora con el servidor. Recarga la página y vota de nuevo.',
  invalid_body: 'Elige una opción y vota de nuevo.',
  overloaded: BUSY,
  not_ready: BUSY,
  log_unavailable: BUSY,
};

export const ES: Messages = {
  language: 'es',
  languageName: 'Español',
  languageCode: 'ES',
  languages: 'Idioma',

  poll: {
    pageTitle: (title) => `${title} · Votación`,
    description: (names) => `Vota ahora: ${names}.`,
    chooseOne: 'Elige una opción',
    options: 'Opciones',
    vote: 'Votar',
    voteFor: (name) => `Votar por ${name}`,
    chooseFirst: 'Elige una opción para votar.',
    tooMany: 'Ya hay muchos votos guardados en este dispositivo. Espera a que se envíen.',
    waiting: (votes) =>
      votes === 1
        ? '1 voto está guardado en este dispositivo, enviando…'
        : `${votes} votos están guardados en este dispositivo, enviando…`,
    failed: (votes) => (votes === 1 ? '1 voto no se contó.' : `${votes} votos no se contaron.`),
    promise: 'Cada voto aceptado se cuenta una sola vez.',
  },

  time: {
    zones: { 'America/Sao_Paulo': 'hora de Brasilia' },
    yourTime: 'en tu horario',
    today: (time) => `hoy, ${time}`,
    left: (remaining) => `Faltan ${remaining}`,
    startsIn: (remaining) => `Empieza en ${remaining}`,
    saidLeft: (minutes) => (minutes === 1 ? 'Falta 1 minuto.' : `Faltan ${minutes} minutos.`),
    saidLeftSeconds: (seconds) => `Faltan ${seconds} segundos.`,
    saidEnded: 'La votación ha terminado.',
    saidStarted: 'La votación ha empezado.',
  },

  status: {
    openUntil: (when) => `Vota hasta ${when}`,
    open: 'Votación abierta',
    openEndless: 'Sin hora fijada para el cierre',
    notYet: 'La votación aún no ha empezado',
    starts: (when) => `Empieza ${when}`,
    startUnknown: 'La hora de inicio aún no está fijada.',
    paused: 'La votación está en pausa',
    pausedDetail: 'Vuelve en un rato: puede continuar en cualquier momento.',
    ended: 'Votación cerrada',
    endedAt: (when) => `Cerró ${when}`,
    closing: 'Se están contando los últimos votos.',
    short: {
      draft: 'En preparación',
      scheduled: 'Pronto',
      open: 'Abierta',
      paused: 'En pausa',
      closing: 'Contando',
      closed: 'Cerrada',
      published: 'Resultado oficial',
      archived: 'Archivada',
    },
  },

  outcome: {
    choice: (name) => `Votaste por ${name}`,
    sending: 'Enviando tu voto…',
    sendingText: 'Solo tarda un momento.',
    kept: 'Tu voto está guardado, enviando…',
    noNetwork: (durable) =>
      durable
        ? 'Sin conexión. Tu voto está guardado en este dispositivo y se enviará en cuanto vuelva la red.'
        : 'Sin conexión. Deja esta página abierta: tu voto se enviará en cuanto vuelva la red.',
    busy: (durable) =>
      durable
        ? 'Hay mucha gente votando ahora. Tu voto está guardado en este dispositivo y se enviará en un momento.'
        : 'Hay mucha gente votando ahora. Deja esta página abierta: tu voto se enviará en un momento.',
    asking: 'Comprobando tu voto…',
    askingText: 'Estamos viendo si ya está registrado. Un voto nunca se cuenta dos veces.',
    registered: 'Voto registrado',
    registeredText: 'Está guardado y se contará una sola vez.',
    countedText: 'Ya se contó, una sola vez.',
    receipt: 'Comprobante',
    receiptNote: 'Con este código puedes comprobar el recuento. No revela por quién votaste.',
    receiptLater: 'Aparece aquí en cuanto el voto quede registrado.',
    copy: 'Copiar',
    copied: 'Copiado',
    check: 'Comprobar',
    checking: 'Comprobando…',
    checkFailed: 'No se pudo comprobar ahora. Inténtalo de nuevo en un momento.',
    receiptStatus: {
      pending: 'El voto todavía va camino del recuento.',
      counted: 'El voto se contó.',
      duplicate: 'El voto se contó, una sola vez.',
      expired: 'El voto llegó demasiado tarde y no se contó.',
      late: 'El voto llegó después del cierre y no se contó.',
      voided: 'El voto fue anulado por la organización.',
      not_counted_final: 'El voto no llegó a tiempo y no se contó.',
    },
    again: 'Votar de nuevo',
    more: (votes) =>
      votes === 1
        ? '1 voto más está guardado, enviando…'
        : `${votes} votos más están guardados, enviando…`,
    moreFailed: (votes) =>
      votes === 1 ? 'Otro voto tampoco se contó.' : `Otros ${votes} votos tampoco se contaron.`,
    refused: 'Voto no registrado',
    refusal: (code) => REFUSALS[code] ?? `El servidor rechazó el voto (${code}).`,
    missed: 'Voto no enviado',
    missedText:
      'La votación cerró antes de que volviera la red. El voto no salió de este dispositivo y no se contó.',
    notCounted: 'Voto no contado',
    unsettled: 'Aún sin confirmar',
    unsettledText:
      'No se pudo saber si el voto se contó. Guarda el comprobante y compruébalo más tarde.',
    checkAgain: 'Comprobar de nuevo',
  },

  results: {
    partial: 'Resultado parcial',
    final: 'Resultado',
    official: 'Resultado oficial',
    votes: (votes, formatted) => (votes === 1 ? '1 voto' : `${formatted} votos`),
    total: (votes, formatted) => (votes === 1 ? 'Total: 1 voto' : `Total: ${formatted} votos`),
    leads: 'En cabeza',
    won: 'Más votos',
    none: 'Todavía no hay votos.',
    loading: 'Buscando el resultado…',
    hidden: {
      never: 'El resultado de esta votación no es público.',
      after_vote: 'El resultado parcial aparece después de tu voto.',
      after_close: 'El resultado aparece aquí cuando cierre la votación.',
      after_publish: 'El resultado aparece aquí cuando la organización lo publique.',
    },
    live: 'En vivo',
    asOf: (time) => `Actualizado a las ${time}`,
    outOfDate: (time) => `Sin actualizar desde las ${time}`,
    said: (heading, lines) => `${heading}: ${lines}.`,
  },

  list: {
    title: 'Votaciones',
    empty: 'Aún no hay votaciones aquí',
    emptyText: 'Cuando se abra una votación, aparecerá en esta página.',
  },

  notice: {
    notFound: 'Esta votación no existe',
    notFoundText: 'Revisa la dirección: puede faltar una letra.',
    allPolls: 'Ver las votaciones',
    error: 'Algo salió mal',
    errorText: 'El fallo es nuestro. Inténtalo de nuevo en un momento.',
    reference: (id) => `Código para soporte: ${id}`,
    back: 'Volver a la votación',
    uncertain: 'Aún no sabemos si el voto llegó',
    uncertainText: 'Envíalo de nuevo: es el mismo voto y nunca cuenta dos veces.',
    sendAgain: 'Enviar de nuevo',
  },
};
