/** The voter pages in Brazilian Portuguese, the default. */
import type { Messages } from './messages.ts';

const BUSY = 'Há muita gente votando agora. Tente de novo em instantes.';

const REFUSALS: Readonly<Record<string, string>> = {
  poll_closed: 'A votação encerrou antes de o voto chegar.',
  poll_not_open: 'A votação não está recebendo votos agora.',
  poll_not_found: 'Esta votação não existe mais.',
  option_not_found: 'Esta opção não existe. Recarregue a página e escolha de novo.',
  id_expired: 'A página ficou aberta tempo demais. Vote de novo.',
  id_in_future:
    'Não foi possível acertar a hora com o servidor. Recarregue a página e vote de novo.',
  invalid_body: 'Escolha uma opção e vote de novo.',
  overloaded: BUSY,
  not_ready: BUSY,
  log_unavailable: BUSY,
};

export const PT_BR: Messages = {
  language: 'pt-BR',
  languageName: 'Português',
  languageCode: 'PT',
  languages: 'Idioma',

  poll: {
    pageTitle: (title) => `${title} · Votação`,
    description: (names) => `Vote agora: ${names}.`,
    chooseOne: 'Escolha uma opção',
    options: 'Opções',
    vote: 'Votar',
    voteFor: (name) => `Votar em ${name}`,
    chooseFirst: 'Escolha uma opção para votar.',
    tooMany: 'Já há muitos votos guardados neste aparelho. Espere o envio terminar.',
    waiting: (votes) =>
      votes === 1
        ? '1 voto está guardado neste aparelho, enviando…'
        : `${votes} votos estão guardados neste aparelho, enviando…`,
    failed: (votes) =>
      votes === 1 ? '1 voto não foi contado.' : `${votes} votos não foram contados.`,
    promise: 'Cada voto aceito é contado uma única vez.',
  },

  time: {
    zones: { 'America/Sao_Paulo': 'horário de Brasília' },
    yourTime: 'no seu horário',
    today: (time) => `hoje, ${time}`,
    left: (remaining) => `Faltam ${remaining}`,
    startsIn: (remaining) => `Começa em ${remaining}`,
    saidLeft: (minutes) => (minutes === 1 ? 'Falta 1 minuto.' : `Faltam ${minutes} minutos.`),
    saidLeftSeconds: (seconds) => `Faltam ${seconds} segundos.`,
    saidEnded: 'A votação encerrou.',
    saidStarted: 'A votação começou.',
  },

  status: {
    openUntil: (when) => `Vote até ${when}`,
    open: 'Votação aberta',
    openEndless: 'Sem hora marcada para encerrar',
    notYet: 'A votação ainda não começou',
    starts: (when) => `Começa ${when}`,
    startUnknown: 'A hora do início ainda não foi marcada.',
    paused: 'A votação está em pausa',
    pausedDetail: 'Volte daqui a pouco: ela pode continuar a qualquer momento.',
    ended: 'Votação encerrada',
    endedAt: (when) => `Encerrou ${when}`,
    closing: 'Os últimos votos estão sendo apurados.',
    short: {
      draft: 'Em preparo',
      scheduled: 'Em breve',
      open: 'Aberta',
      paused: 'Em pausa',
      closing: 'Apurando',
      closed: 'Encerrada',
      published: 'Resultado oficial',
      archived: 'Arquivada',
    },
  },

  outcome: {
    choice: (name) => `Você votou em ${name}`,
    sending: 'Enviando seu voto…',
    sendingText: 'Leva só um instante.',
    kept: 'Seu voto está guardado, enviando…',
    noNetwork: (durable) =>
      durable
        ? 'Sem conexão. Seu voto está guardado neste aparelho e será enviado assim que a rede voltar.'
        : 'Sem conexão. Deixe esta página aberta: seu voto será enviado assim que a rede voltar.',
    busy: (durable) =>
      durable
        ? 'Há muita gente votando agora. Seu voto está guardado neste aparelho e será enviado em instantes.'
        : 'Há muita gente votando agora. Deixe esta página aberta: seu voto será enviado em instantes.',
    asking: 'Conferindo seu voto…',
    askingText: 'Estamos vendo se ele já foi registrado. Um voto nunca é contado duas vezes.',
    registered: 'Voto registrado',
    registeredText: 'Está guardado e será contado uma única vez.',
    countedText: 'Já foi contado, uma única vez.',
    receipt: 'Comprovante',
    receiptNote: 'Com este código você confere a contagem. Ele não revela em quem você votou.',
    receiptLater: 'Aparece aqui assim que o voto for registrado.',
    copy: 'Copiar',
    copied: 'Copiado',
    check: 'Conferir',
    checking: 'Conferindo…',
    checkFailed: 'Não foi possível conferir agora. Tente de novo em instantes.',
    receiptStatus: {
      pending: 'O voto ainda está a caminho da contagem.',
      counted: 'O voto foi contado.',
      duplicate: 'O voto foi contado, uma única vez.',
      expired: 'O voto chegou tarde demais e não foi contado.',
      late: 'O voto chegou depois do encerramento e não foi contado.',
      voided: 'O voto foi anulado pela organização.',
      not_counted_final: 'O voto não chegou a tempo e não foi contado.',
    },
    again: 'Votar de novo',
    more: (votes) =>
      votes === 1
        ? 'Mais 1 voto está guardado, enviando…'
        : `Mais ${votes} votos estão guardados, enviando…`,
    moreFailed: (votes) =>
      votes === 1
        ? 'Outro voto também não foi contado.'
        : `Outros ${votes} votos também não foram contados.`,
    refused: 'Voto não registrado',
    refusal: (code) => REFUSALS[code] ?? `O servidor recusou o voto (${code}).`,
    missed: 'Voto não enviado',
    missedText:
      'A votação encerrou antes de a rede voltar. O voto não saiu deste aparelho e não foi contado.',
    notCounted: 'Voto não contado',
    unsettled: 'Ainda sem confirmação',
    unsettledText:
      'Não foi possível saber se o voto foi contado. Guarde o comprovante e confira mais tarde.',
    checkAgain: 'Conferir de novo',
  },

  results: {
    partial: 'Resultado parcial',
    final: 'Resultado',
    official: 'Resultado oficial',
    votes: (votes, formatted) => (votes === 1 ? '1 voto' : `${formatted} votos`),
    total: (votes, formatted) => (votes === 1 ? 'Total: 1 voto' : `Total: ${formatted} votos`),
    leads: 'Na frente',
    won: 'Mais votos',
    none: 'Ainda não há votos.',
    loading: 'Buscando o resultado…',
    hidden: {
      never: 'O resultado desta votação não é público.',
      after_vote: 'O resultado parcial aparece depois do seu voto.',
      after_close: 'O resultado aparece aqui quando a votação encerrar.',
      after_publish: 'O resultado aparece aqui quando a organização o publicar.',
    },
    live: 'Ao vivo',
    asOf: (time) => `Atualizado às ${time}`,
    outOfDate: (time) => `Sem atualização desde ${time}`,
    said: (heading, lines) => `${heading}: ${lines}.`,
  },

  list: {
    title: 'Votações',
    empty: 'Nenhuma votação por aqui ainda',
    emptyText: 'Quando uma votação abrir, ela aparece nesta página.',
  },

  notice: {
    notFound: 'Esta votação não existe',
    notFoundText: 'Confira o endereço: pode faltar uma letra.',
    allPolls: 'Ver as votações',
    error: 'Algo deu errado',
    errorText: 'A falha é nossa. Tente de novo em instantes.',
    reference: (id) => `Código para o suporte: ${id}`,
    back: 'Voltar à votação',
    uncertain: 'Ainda não sabemos se o voto chegou',
    uncertainText: 'Envie de novo: é o mesmo voto, e ele nunca conta duas vezes.',
    sendAgain: 'Enviar de novo',
  },
};
