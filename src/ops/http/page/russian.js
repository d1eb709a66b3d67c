"use strict";
// The page in Russian, for browsers that prefer it. A text without a translation stays English: reasons of
// failures are, as the log and Redis say them.
const RUSSIAN = {
  "Asking the service …": "Запрашиваем службу…",
  "Events a minute": "Событий в минуту",
  "Latency, p50 / p99": "Задержка, p50 / p99",
  "Slowest group’s lag": "Наибольшее отставание",
  "Dead letters an hour": "Необработанных за час",
  "Latency, VK’s answer to commit": "Задержка от ответа VK до записи",
  "Streams and consumer groups": "Потоки и группы потребителей",
  "Stream": "Поток",
  "Entries": "Записей",
  "To read": "Не прочитано",
  "Unacked": "Не подтверждено",
  "Newest, oldest unacked": "Последняя; старейшая неподтверждённая",
  "Dead letters": "Необработанные события (dead letters)",
  "Copy": "Копировать",
  "Copied": "Скопировано",
  "Selected": "Выделено",
  "Recent failures": "Последние сбои",
  "Gaps": "Пропуски",
  "Fetching": "Получение событий",
  "{} s": "{} с",
  "{} min": "{} мин",
  "{} h": "{} ч",
  "{} d": "{} д",
  "{} h {} min": "{} ч {} мин",
  "{} d {} h": "{} д {} ч",
  "{} ms": "{} мс",
  "over {} s": "более {} с",
  "just now": "только что",
  "{} ago": "{} назад",
  "for {}": "в течение {}",
  "What to do: {}": "Что делать: {}",
  "community {}": "сообщество {}",
  "version {}, up {}": "версия {}, работает {}",
  "stopped by the fault": "сбой остановил события",
  "another instance fetches": "события получает другой экземпляр",
  "VK has not answered yet": "VK ещё не отвечал",
  "VK answered {}": "VK ответил {}",
  "nothing committed yet": "записей ещё не было",
  "VK’s answer to commit": "от ответа VK до записи",
  "events go to standard output": "события идут в стандартный вывод",
  "Redis does not answer": "Redis не отвечает",
  "unknown": "неизвестно",
  "Unknown.": "Неизвестно.",
  "no consumer group": "нет группы потребителей",
  "▲ {} a minute": "▲ {} в минуту",
  "▼ {} a minute": "▼ {} в минуту",
  "all groups have read everything": "все группы прочитали всё",
  "in the {} since the start": "за {} с запуска",
  "in the last hour": "за последний час",
  "as of {}": "на {}",
  "Events go to standard output: there are no streams.": "События идут в стандартный вывод: потоков нет.",
  "Redis does not answer. This state is from {}. {}": "Redis не отвечает. Это состояние на {}. {}",
  "Redis does not answer: {}": "Redis не отвечает: {}",
  "Redis has not answered yet.": "Redis ещё не отвечал.",
  "Newest": "Последняя",
  "Oldest unacked": "Старейшая неподтверждённая",
  "newest": "последнее",
  "{} kept": "хранится: {}",
  "None: all updates were converted.": "Нет: все обновления стали событиями.",
  "about {}": "около {}",
  "an unknown number of updates": "неизвестно сколько",
  "{} ever, {}": "всего {}, потеряно обновлений: {}",
  "VK lost updates: {}": "VK потерял обновления: {}",
  "None since the start of the service, {}.": "Не было с запуска службы, {}.",
  "None since the start of the service.": "Не было с запуска службы.",
  "{}, now": "{}, сейчас",
  "ended {}; lasted {}": "закончился: {}; длился {}",
  "Position {}": "Позиция {}",
  "changed {}": "изменилась {}",
  "Fetched by: unknown": "Кто получает: неизвестно",
  "Fetched by {}": "Получает {}",
  "Fetched by nobody": "Никто не получает",
  "process {}": "процесс {}",
  "The service does not answer this page.": "Служба не отвечает этой странице.",
  "Since {}, for {}.": "С {}, уже {}.",
  "The state below is from {}.": "Состояние ниже — на {}.",
  "Check that the service runs and can be reached from here. This page retries by itself.":
    "Проверьте, что служба работает и доступна отсюда. Страница повторяет запрос сама.",
  "Redis lease": "Аренда в Redis",
  "Redis durability": "Сохранность в Redis",
  "Consumers": "Потребители",
  "VK API (users)": "API VK (пользователи)",
  "VK API (communities)": "API VK (сообщества)",
  "VK API (chats)": "API VK (чаты)",
  "VK API (messages)": "API VK (сообщения)",
  "now": "сейчас",
  "Nothing counted yet.": "Пока ничего не насчитано.",
  "Events a minute: now {}, at least {}, at most {}. Arrow keys select a minute.":
    "Событий в минуту: сейчас {}, от {} до {}. Стрелки выбирают минуту.",
  "Events a minute: nothing counted yet.": "Событий в минуту: пока ничего не насчитано.",
  "Latency from VK’s answer to commit: p50 {}, p99 {}. Arrow keys select a minute.":
    "Задержка от ответа VK до записи: p50 {}, p99 {}. Стрелки выбирают минуту.",
  "Latency from VK’s answer to commit: nothing committed yet.":
    "Задержка от ответа VK до записи: записей ещё не было.",
  "The service is starting.": "Служба запускается.",
  "Whether events flow is unknown.": "Идут ли события, неизвестно.",
  "The service works, but Redis does not report the state of the bus.":
    "Служба работает, но Redis не сообщает состояние шины.",
  "Standing by: another instance fetches.": "В резерве: события получает другой экземпляр.",
  "{} fetches.": "Получает {}.",
  "No instance fetches now; this one takes over within seconds.":
    "Сейчас никто не получает события; этот экземпляр начнёт через несколько секунд.",
  "Events flow.": "События идут.",
  "The last updates came {}.": "Последние обновления пришли {}.",
  "VK has sent nothing new for {}.": "VK не присылал нового уже {}.",
  "Events do not flow: {}.": "События не идут: {}.",
  "Events that need a look-up wait, and so do those behind them: {}.":
    "События, которым нужны имена, ждут, и те, что за ними, тоже: {}.",
  "The service cannot start fetching yet: {}.": "Служба пока не может начать получать события: {}.",
  "Events are delayed: {}. The service retries.": "События задерживаются: {}. Служба повторяет попытки.",
  "Failing for {}: {}": "Сбой длится {}: {}",
  "Redis rejects writes, because it cannot write to its disk":
    "Redis отвергает запись: он не может писать на свой диск",
  "Redis rejects writes, because it has too few replicas":
    "Redis отвергает запись: у него слишком мало реплик",
  "Redis does not accept commands": "Redis не принимает команды",
  "the lease in Redis has no TTL, so nobody fetches":
    "у аренды в Redis нет TTL, поэтому никто не получает события",
  "Redis does not write commits to its disk": "Redis не сохраняет записи на диск",
  "too few replicas of Redis acknowledge commits": "слишком мало реплик Redis подтверждают записи",
  "commits are not as durable as bus.durability asks for":
    "записи сохраняются не так надёжно, как требует bus.durability",
  "a stream is full, because a consumer group does not keep up":
    "поток полон: группа потребителей не успевает",
  "VK's Long Poll answers with errors": "Long Poll VK отвечает ошибками",
  "VK's Long Poll cannot be reached": "Long Poll VK недоступен",
  "VK's API does not complete cropped messages": "API VK не дополняет урезанные сообщения",
  "VK's API cannot be reached to complete cropped messages":
    "API VK недоступен, урезанные сообщения не дополнить",
  "the service does not answer": "служба не отвечает",
  "the service has stalled": "служба зависла",
  "a dependency fails that this version does not know": "отказала зависимость, которой эта версия не знает",
  "If this lasts, check the load of Redis and the rights of its user (README).":
    "Если это не проходит, проверьте нагрузку Redis и права его пользователя (README).",
  "Check the DNS, the route, the proxy (HTTPS_PROXY) and the firewall of this machine, and vk.api_url. If they are right, VK has an outage. The service continues by itself, and VK keeps the queue until then.":
    "Проверьте DNS, маршрут, прокси (HTTPS_PROXY) и межсетевой экран этой машины и vk.api_url. Если с ними всё в порядке, сбой у VK. Служба продолжит сама, а до тех пор очередь хранит VK.",
  "VK is reached, so nothing has to be done on this machine. The service continues by itself when VK answers again, and VK keeps the queue until then.":
    "VK доступен, на этой машине делать ничего не нужно. Служба продолжит сама, когда VK снова ответит; до тех пор очередь хранит VK.",
  "VK is reached, so nothing has to be done on this machine, unless the reason names the token or a limit of calls. The service continues by itself when VK answers again; events whose look-ups are cached do not wait.":
    "VK доступен, на этой машине делать ничего не нужно, если только причина не в токене или ограничении вызовов. Служба продолжит сама, когда VK снова ответит; события с известными именами не ждут.",
  "Start Redis; if it runs, check bus.url, the load of Redis and the network between it and this machine (`redis-cli ping`). The service continues by itself, and VK keeps the queue until then.":
    "Запустите Redis; если он работает, проверьте bus.url, нагрузку Redis и сеть между ним и этой машиной (`redis-cli ping`). Служба продолжит сама, а до тех пор очередь хранит VK.",
  "Check the free space and the errors of Redis' disk (`redis-cli INFO persistence`, Redis' log). The service continues by itself, and VK keeps the queue until then.":
    "Проверьте свободное место и ошибки диска Redis (`redis-cli INFO persistence`, журнал Redis). Служба продолжит сама, а до тех пор очередь хранит VK.",
  "Connect the replicas that min-replicas-to-write of Redis asks for, or lower it. The service continues by itself, and VK keeps the queue until then.":
    "Подключите реплики, которых требует min-replicas-to-write, или уменьшите его. Служба продолжит сама, а до тех пор очередь хранит VK.",
  "Check Redis' log, memory, disk and role (`redis-cli INFO`); the reason above is its own. The service continues by itself, and VK keeps the queue until then.":
    "Проверьте журнал, память, диск и роль Redis (`redis-cli INFO`); причину выше назвал он сам. Служба продолжит сама, а до тех пор очередь хранит VK.",
  "Somebody set the lease key by hand. The service takes it over after one lease term (bus.lease). To go on at once, delete the key that the reason names with `redis-cli DEL`.":
    "Ключ аренды кто-то поставил вручную. Служба заберёт её через один срок аренды (bus.lease). Чтобы продолжить сразу, удалите названный в причине ключ: `redis-cli DEL`.",
  "Check the free space and the errors of Redis' disk (`redis-cli INFO persistence`, Redis' log), or set bus.durability = \"none\" and restart the service.":
    "Проверьте свободное место и ошибки диска Redis (`redis-cli INFO persistence`, журнал Redis) или задайте bus.durability = \"none\" и перезапустите службу.",
  "Connect a replica to Redis, or check that those that are connected keep up (`redis-cli INFO replication`). Or ask for fewer with bus.durability = \"replicas=<number>\" or \"none\", and restart the service.":
    "Подключите к Redis реплику или проверьте, что подключённые успевают (`redis-cli INFO replication`). Либо требуйте меньше: bus.durability = \"replicas=<число>\" или \"none\" — и перезапустите службу.",
  "Check the disk and the replicas of Redis (`redis-cli INFO`), or set bus.durability = \"none\" and restart the service.":
    "Проверьте диск и реплики Redis (`redis-cli INFO`) или задайте bus.durability = \"none\" и перезапустите службу.",
  "Start the consumers of that group, and check that they acknowledge what they read. Remove a group that nobody uses (`redis-cli XGROUP DESTROY <stream> <group>`), or raise bus.stream_length and restart the service. Fetching continues by itself once the group has read on; VK keeps the queue until then.":
    "Запустите потребителей этой группы и проверьте, что они подтверждают прочитанное. Удалите группу, которой никто не пользуется (`redis-cli XGROUP DESTROY <поток> <группа>`), или увеличьте bus.stream_length и перезапустите службу. Получение продолжится само, когда группа прочитает дальше; до тех пор очередь хранит VK.",
  "Restart the service; it continues from the committed position. This is a bug: please report it with the log before it.":
    "Перезапустите службу, она продолжит с записанной позиции. Это ошибка в службе: пожалуйста, сообщите о ней, приложив журнал перед ней.",
  "Start the service, or check http.listen and http.page. Its log says why it stopped. It continues from the committed position.":
    "Запустите службу или проверьте http.listen и http.page. В её журнале сказано, почему она остановилась. Она продолжит с записанной позиции.",
  "Use the version of `event-fetcher` that the service has: it knows this dependency.":
    "Возьмите ту версию `event-fetcher`, что у службы: она знает эту зависимость.",
  "VK's API does not answer look-ups of users": "API VK не отвечает на запросы о пользователях",
  "VK's API cannot be reached for look-ups of users": "API VK недоступен для запросов о пользователях",
  "VK's API does not answer look-ups of communities": "API VK не отвечает на запросы о сообществах",
  "VK's API cannot be reached for look-ups of communities": "API VK недоступен для запросов о сообществах",
  "VK's API does not answer look-ups of chats": "API VK не отвечает на запросы о чатах",
  "VK's API cannot be reached for look-ups of chats": "API VK недоступен для запросов о чатах",
};
const IS_RUSSIAN = /^ru\b/i.test(navigator.language);
const LANGUAGE = IS_RUSSIAN ? "ru" : "en";

// A text of this page, with values for each {}.
function t(text, ...values) {
  const words = IS_RUSSIAN && RUSSIAN[text] || text;
  return words.replace(/\{\}/g, () => values.shift());
}

// Sentences of the service with variable parts, which are translated as well.
const PATTERNS = Object.keys(RUSSIAN).filter((text) => /[a-z].*\{\}|\{\}.*[a-z]/i.test(text)).map((text) =>
  [new RegExp(`^${text.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll("{}", "(.+?)")}$`), text]);

// A text of the service.
function translated(text) {
  if (!IS_RUSSIAN || RUSSIAN[text]) return t(text);
  for (const [pattern, template] of PATTERNS) {
    const found = text.match(pattern);
    if (found) return t(template, ...found.slice(1).map(translated));
  }
  return text;
}

// The texts of page.html.
function translatePage() {
  document.documentElement.lang = LANGUAGE;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = t(texts.currentNode.data);
}
