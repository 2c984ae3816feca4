"""Other words for the things that people ask for most, in English, German and Chinese, and plurals that no rule gives.

The one rule: a row's words must all be fair names of what the picture shows, since each may stand alone as its caption. CLDR calls a
coffee "hot beverage" and a car "automobile"; nobody types that. Concepts listed here are also drawn more often (`data.py`).
"""
_TABLE = '''
2615 | coffee; coffee cup; cup of coffee; hot coffee; mug of coffee; espresso | Kaffee; Kaffeetasse; Tasse Kaffee; heißer Kaffee; Kaffeebecher | 咖啡; 咖啡杯; 一杯咖啡; 热咖啡
1f375 | tea; cup of tea; green tea; teacup | Tee; Tasse Tee; grüner Tee; Teetasse | 茶; 一杯茶; 绿茶; 茶杯
1f916 | robot; robot face; robot head; android; bot | Roboter; Robotergesicht; Roboterkopf; Androide | 机器人; 机器人脸; 机器人头
1f9da | fairy | Fee | 仙女; 精灵仙子
1f697 | car; red car; auto | Auto; rotes Auto; Wagen; PKW | 汽车; 小汽车; 轿车; 红色汽车
1f3ce | race car; racing car; formula one car | Rennwagen; Rennauto | 赛车
1f68c | bus | Bus | 公交车; 巴士
1f686 | train | Zug; Bahn | 火车; 列车
1f6b2 | bicycle; bike | Fahrrad; Rad | 自行车; 单车
2708 | airplane; plane; aeroplane; aircraft | Flugzeug; Flieger | 飞机
1f680 | rocket; spaceship; space rocket | Rakete; Raumschiff; Weltraumrakete | 火箭; 飞船
26f5 | sailboat; sailing boat; boat | Segelboot; Boot | 帆船; 船
1f6a2 | ship | Schiff | 轮船; 船舶
1f3e0 | house; home | Haus; Zuhause; kleines Haus | 房子; 家; 房屋
1f3f0 | castle | Schloss; Burg | 城堡
1f3d4 | snowy mountain; snow-capped mountain | schneebedeckter Berg; Schneeberg | 雪山
26f0 | mountain | Berg | 山
1f30b | volcano | Vulkan | 火山
1f415 | dog; puppy | Hund; Hündchen | 狗; 小狗
1f436 | dog face; puppy face; dog head | Hundegesicht; Hundekopf | 狗脸; 狗头
1f408 | cat; house cat | Katze; Hauskatze | 猫; 小猫
1f431 | cat face; kitten; kitty; cat head | Katzengesicht; Kätzchen; Katzenkopf | 猫脸; 猫咪; 猫头
1f98a | fox; fox face; fox head | Fuchs; Fuchsgesicht | 狐狸; 狐狸脸
1f43b | bear; bear face | Bär; Bärengesicht | 熊; 熊脸
1f43c | panda; panda bear; panda face | Panda; Pandabär | 熊猫; 大熊猫
1f428 | koala; koala bear | Koala; Koalabär | 考拉; 树袋熊
1f42f | tiger face; tiger head | Tigergesicht; Tigerkopf | 老虎头; 虎脸
1f405 | tiger | Tiger | 老虎
1f981 | lion; lion face; lion head | Löwe; Löwenkopf | 狮子; 狮子头
1f430 | rabbit face; bunny; bunny face | Hasengesicht; Häschen; Kaninchengesicht | 兔子脸; 兔子头
1f407 | rabbit; hare | Hase; Kaninchen | 兔子
1f42d | mouse face; mouse head | Mäusegesicht | 老鼠头; 鼠脸
1f401 | mouse | Maus | 老鼠; 小老鼠
1f439 | hamster | Hamster | 仓鼠
1f438 | frog; frog face | Frosch; Froschgesicht | 青蛙; 青蛙脸
1f435 | monkey face; monkey head | Affengesicht; Affenkopf | 猴脸; 猴头
1f412 | monkey | Affe | 猴子
1f437 | pig face; piggy; pig head | Schweinegesicht; Schweinchen | 猪头; 猪脸
1f416 | pig | Schwein | 猪
1f404 | cow | Kuh | 奶牛; 牛
1f40e | horse | Pferd | 马
1f984 | unicorn; unicorn head | Einhorn | 独角兽
1f411 | sheep; ewe | Schaf | 绵羊; 羊
1f414 | chicken; hen | Huhn; Henne | 鸡; 母鸡
1f424 | chick; baby chick | Küken | 小鸡
1f427 | penguin | Pinguin | 企鹅
1f426 | bird; little bird | Vogel; Vögelchen | 鸟; 小鸟
1f989 | owl | Eule; Uhu | 猫头鹰
1f986 | duck | Ente | 鸭子
1f985 | eagle | Adler | 鹰; 老鹰
1f409 | dragon | Drache | 龙
1f432 | dragon face; dragon head | Drachengesicht; Drachenkopf | 龙头
1f995 | dinosaur; long-necked dinosaur; brontosaurus | Dinosaurier; Langhalssaurier | 恐龙; 长颈恐龙
1f996 | tyrannosaurus; t-rex; t rex | Tyrannosaurus; T-Rex | 霸王龙
1f422 | turtle; tortoise | Schildkröte | 乌龟; 海龟
1f40d | snake | Schlange | 蛇
1f40b | whale | Wal | 鲸鱼; 鲸
1f42c | dolphin | Delfin; Delphin | 海豚
1f988 | shark | Hai; Haifisch | 鲨鱼
1f41f | fish | Fisch | 鱼
1f420 | tropical fish | Tropenfisch | 热带鱼
1f419 | octopus | Oktopus; Krake | 章鱼
1f980 | crab | Krebs; Krabbe | 螃蟹
1f98b | butterfly | Schmetterling | 蝴蝶
1f41d | bee; honeybee | Biene; Honigbiene | 蜜蜂
1f41e | ladybug; ladybird | Marienkäfer | 瓢虫
1f40c | snail | Schnecke | 蜗牛
1f418 | elephant | Elefant | 大象
1f992 | giraffe | Giraffe | 长颈鹿
1f994 | hedgehog | Igel | 刺猬
1f339 | rose; red rose | Rose; rote Rose | 玫瑰; 红玫瑰
1f33b | sunflower | Sonnenblume | 向日葵
1f337 | tulip | Tulpe | 郁金香
1f33c | flower; yellow flower | Blume; gelbe Blume; Blüte | 花; 黄花; 小花
1f335 | cactus | Kaktus | 仙人掌
1f332 | fir tree; pine tree; conifer | Tanne; Tannenbaum; Fichte | 松树; 杉树
1f333 | tree; green tree | Baum; grüner Baum | 树; 大树
1f334 | palm tree; palm | Palme | 棕榈树; 椰子树
1f344 | mushroom; toadstool; red mushroom | Pilz; Fliegenpilz | 蘑菇
1f340 | four leaf clover; lucky clover | Glücksklee; vierblättriges Kleeblatt | 四叶草
1f384 | christmas tree | Weihnachtsbaum; Christbaum | 圣诞树
1f34e | apple; red apple | Apfel; roter Apfel | 苹果; 红苹果
1f34f | green apple | grüner Apfel | 青苹果; 绿苹果
1f34c | banana | Banane | 香蕉
1f353 | strawberry | Erdbeere | 草莓
1f352 | cherry; cherries | Kirsche; Kirschen | 樱桃
1f349 | watermelon; slice of watermelon | Wassermelone; Melonenscheibe | 西瓜
1f347 | grapes; bunch of grapes | Trauben; Weintrauben | 葡萄
1f34b | lemon | Zitrone | 柠檬
1f34a | orange; orange fruit; tangerine | Orange; Apfelsine; Mandarine | 橙子; 橘子
1f34d | pineapple | Ananas | 菠萝
1f351 | peach | Pfirsich | 桃子
1f350 | pear | Birne | 梨; 梨子
1f951 | avocado | Avocado | 牛油果; 鳄梨
1f345 | tomato | Tomate | 番茄; 西红柿
1f955 | carrot | Karotte; Möhre | 胡萝卜
1f33d | corn; corn on the cob | Mais; Maiskolben | 玉米
1f346 | eggplant; aubergine | Aubergine | 茄子
1f35e | bread; loaf of bread | Brot; Brotlaib | 面包
1f950 | croissant | Croissant; Hörnchen | 羊角面包; 可颂
1f968 | pretzel | Brezel; Breze | 椒盐卷饼
1f9c0 | cheese; piece of cheese | Käse; Stück Käse | 奶酪; 芝士
1f354 | burger; hamburger; cheeseburger | Burger; Hamburger | 汉堡; 汉堡包
1f35f | fries; french fries; chips | Pommes; Pommes frites; Fritten | 薯条
1f355 | pizza; slice of pizza; pizza slice | Pizza; Pizzastück; Stück Pizza | 披萨; 比萨
1f32d | hot dog; hotdog | Hotdog; Hot Dog | 热狗
1f32e | taco | Taco | 墨西哥卷饼; 塔可
1f95a | egg | Ei | 鸡蛋; 蛋
1f373 | fried egg; frying pan with egg | Spiegelei; Bratpfanne mit Ei | 煎蛋; 荷包蛋
1f363 | sushi | Sushi | 寿司
1f35c | noodles; noodle soup; ramen; bowl of ramen | Nudelsuppe; Ramen; Schüssel Nudeln | 面条; 拉面; 一碗面
1f35d | spaghetti; pasta | Spaghetti; Nudeln; Pasta | 意大利面; 意面
1f95f | dumpling | Teigtasche; Maultasche | 饺子
1f366 | ice cream cone; soft ice cream; soft serve | Eistüte; Softeis; Eiswaffel | 冰淇淋甜筒; 甜筒; 冰激凌
1f368 | ice cream; bowl of ice cream | Eis; Eiscreme; Eisbecher | 冰淇淋; 冰激淋
1f369 | donut; doughnut | Donut | 甜甜圈
1f36a | cookie; chocolate chip cookie; biscuit | Keks; Plätzchen | 曲奇; 饼干
1f382 | birthday cake; cake with candles | Geburtstagskuchen; Geburtstagstorte | 生日蛋糕; 蛋糕
1f370 | cake; piece of cake; slice of cake; strawberry cake | Torte; Tortenstück; Stück Kuchen | 蛋糕块; 一块蛋糕; 草莓蛋糕
1f9c1 | cupcake; muffin | Cupcake; Muffin | 纸杯蛋糕
1f36b | chocolate; chocolate bar | Schokolade; Tafel Schokolade | 巧克力
1f36d | lollipop | Lutscher; Lolli | 棒棒糖
1f36f | honey; honey pot; jar of honey | Honig; Honigtopf; Honigglas | 蜂蜜; 蜂蜜罐
1f95b | milk; glass of milk | Milch; Glas Milch | 牛奶; 一杯牛奶
1f37a | beer; mug of beer; beer mug | Bier; Bierkrug; Krug Bier | 啤酒; 一杯啤酒
1f37b | cheers; two beers; clinking beer mugs | Prost; anstoßende Bierkrüge; zwei Bier | 干杯; 碰杯的啤酒
1f377 | wine; glass of wine; red wine | Wein; Glas Wein; Rotwein | 红酒; 葡萄酒; 一杯红酒
1f378 | cocktail; martini | Martini; Cocktailglas | 鸡尾酒; 马提尼
1f30d | earth; globe; planet earth; world | Erde; Weltkugel; Globus | 地球
1f319 | moon; crescent moon | Mond; Mondsichel; Sichelmond | 月亮; 弯月
2600 | sun | Sonne | 太阳
2b50 | star; yellow star | Stern; gelber Stern | 星星; 黄色星星
2601 | cloud | Wolke | 云; 云朵
1f308 | rainbow | Regenbogen | 彩虹
26a1 | lightning; lightning bolt; flash | Blitz | 闪电
2744 | snowflake | Schneeflocke | 雪花
26c4 | snowman | Schneemann | 雪人
1f525 | fire; flame | Feuer; Flamme | 火; 火焰
1f4a7 | drop; water drop; droplet | Tropfen; Wassertropfen | 水滴
1f30a | wave; ocean wave; sea wave | Welle; Meereswelle | 海浪; 波浪
2614 | umbrella in the rain | Regenschirm im Regen | 雨伞和雨
2602 | umbrella | Regenschirm; Schirm | 雨伞; 伞
1f383 | pumpkin; halloween pumpkin; jack o'lantern | Kürbis; Halloweenkürbis | 南瓜; 南瓜灯
1f388 | balloon; red balloon | Luftballon; roter Ballon | 气球; 红气球
1f381 | gift; present; gift box | Geschenk; Geschenkbox | 礼物; 礼盒
1f3c6 | trophy; cup; golden trophy | Pokal; goldener Pokal | 奖杯
26bd | soccer ball; football | Fußball | 足球
1f3c0 | basketball | Basketball | 篮球
1f3be | tennis ball; tennis | Tennisball; Tennis | 网球
1f3ae | game controller; gamepad; controller | Gamepad; Spielcontroller | 游戏手柄; 手柄
1f3b2 | dice; die | Würfel; Spielwürfel | 骰子
1f9f8 | teddy; teddy bear | Teddy; Teddybär | 泰迪熊; 玩具熊
1f3a8 | palette; artist palette; paint | Farbpalette; Malpalette | 调色板
1f453 | glasses; eyeglasses | Brille | 眼镜
1f576 | sunglasses; dark glasses | Sonnenbrille | 太阳镜; 墨镜
1f455 | shirt; t-shirt; tee | T-Shirt; Hemd | 衬衫; 短袖
1f45f | sneaker; running shoe; sports shoe | Turnschuh; Sportschuh; Sneaker | 运动鞋; 跑鞋
1f451 | crown; golden crown | Krone; goldene Krone | 皇冠; 王冠
1f3a9 | top hat; hat; black hat | Zylinder; Hut; schwarzer Hut | 礼帽; 帽子
1f392 | backpack; school bag; rucksack | Rucksack; Schulranzen | 背包; 书包
1f48d | ring; diamond ring | Ring; Diamantring; Ehering | 戒指; 钻戒
1f48e | diamond; gem; gem stone | Diamant; Edelstein | 钻石; 宝石
1f514 | bell; golden bell | Glocke; goldene Glocke | 铃铛; 钟
1f3b8 | guitar; electric guitar | Gitarre; E-Gitarre | 吉他; 电吉他
1f3b9 | piano; piano keys; keyboard | Klavier; Klaviertasten; Piano | 钢琴
1f3ba | trumpet | Trompete | 小号
1f941 | drum; drums | Trommel; Schlagzeug | 鼓
1f3a7 | headphones; headset | Kopfhörer; Headset | 耳机
1f4f1 | phone; smartphone; cell phone; mobile phone | Handy; Smartphone; Telefon | 手机; 智能手机
1f4bb | laptop; notebook computer; computer | Laptop; Notebook; Computer | 笔记本电脑; 电脑
1f4f7 | camera; photo camera | Kamera; Fotoapparat; Fotokamera | 相机; 照相机
1f4fa | tv; television; tv set | Fernseher; TV | 电视; 电视机
1f4a1 | light bulb; lightbulb; lamp; idea | Glühbirne; Lampe; Idee | 灯泡; 电灯
1f56f | candle | Kerze | 蜡烛
1f4d6 | open book; book | Buch; offenes Buch; aufgeschlagenes Buch | 书; 打开的书
1f4da | books; stack of books; pile of books | Bücher; Bücherstapel | 书本; 一摞书; 书籍
270f | pencil | Bleistift; Stift | 铅笔
1f4b0 | money bag; bag of money; money | Geldsack; Geld | 钱袋; 钱
1f511 | key | Schlüssel | 钥匙
1f512 | lock; padlock; closed lock | Schloss zu; Vorhängeschloss | 锁; 挂锁
1f528 | hammer | Hammer | 锤子
2699 | gear; cogwheel; cog | Zahnrad | 齿轮
1f4a3 | bomb | Bombe | 炸弹
1f9f2 | magnet | Magnet | 磁铁
1f52c | microscope | Mikroskop | 显微镜
1f52d | telescope | Teleskop; Fernrohr | 望远镜
1f6d2 | shopping cart; shopping trolley | Einkaufswagen | 购物车
23f0 | alarm clock; clock | Wecker; Uhr | 闹钟; 时钟
231b | hourglass; sand clock | Sanduhr | 沙漏
1f4e6 | package; box; parcel; cardboard box | Paket; Karton; Schachtel | 包裹; 纸箱; 箱子
2709 | envelope; letter | Briefumschlag; Brief | 信封; 信
2764 | heart; red heart; love heart | Herz; rotes Herz | 心; 红心; 爱心
1f494 | broken heart | gebrochenes Herz | 心碎; 破碎的心
1f480 | skull | Totenkopf; Schädel | 骷髅; 骷髅头
1f47b | ghost; white ghost | Geist; Gespenst | 幽灵; 鬼
1f47d | alien; extraterrestrial; alien face | Alien; Außerirdischer | 外星人
1f4a9 | poop; poo; pile of poop | Kacke; Kothaufen; Haufen | 便便; 大便
1f921 | clown; clown face | Clown; Clownsgesicht | 小丑; 小丑脸
1f600 | grinning face; happy face; smiley; happy smiley | grinsendes Gesicht; fröhliches Gesicht; Smiley | 笑脸; 开心的脸
1f602 | laughing crying face; tears of joy; laughing with tears | lachendes Gesicht mit Tränen; Tränen lachend | 笑哭; 笑哭的脸
1f62d | crying face; sobbing face; loudly crying face | weinendes Gesicht; heulender Smiley | 大哭; 大哭的脸
1f620 | angry face; mad face; angry smiley | wütendes Gesicht; böses Gesicht | 生气的脸; 愤怒的脸
1f60e | cool face; face with sunglasses; smiley with sunglasses | cooler Smiley; Gesicht mit Sonnenbrille | 戴墨镜的笑脸; 酷脸
1f60d | heart eyes; face with heart eyes; in love | verliebtes Gesicht; Smiley mit Herzaugen | 爱心眼; 花痴脸
1f914 | thinking face; thinking smiley | Denker; nachdenklicher Smiley | 思考的脸; 思考
1f634 | sleeping face; sleeping smiley | schlafender Smiley | 睡觉的脸; 睡着的脸
1f44d | thumbs up; like; thumb up | Daumen hoch | 点赞; 大拇指; 竖起大拇指
1f44b | waving hand; wave hand | winkende Hand | 挥手
1f389 | party popper; confetti; party | Konfetti; Party | 派对; 礼花
1f6f8 | ufo; flying saucer; alien ship | Ufo; fliegende Untertasse | 飞碟; 不明飞行物
1f9d9 | wizard; mage; magician | Zauberer; Magier | 法师; 巫师; 魔法师
1f9db | vampire | Vampir | 吸血鬼
1f9dc | mermaid; merperson | Meerjungfrau | 美人鱼
1f9d1-200d-1f680 | astronaut | Astronaut; Raumfahrer | 宇航员; 航天员
1f9d1-200d-1f373 | cook; chef | Koch; Küchenchef | 厨师
1f9d1-200d-2695 | doctor; medic | Arzt; Doktor | 医生; 大夫
1f9d1-200d-1f692 | firefighter; fireman | Feuerwehrmann | 消防员
1f46e | police officer; policeman; cop | Polizist | 警察
1f482 | guard; royal guard | Wachmann; Gardist | 卫兵
1f934 | prince; king | Prinz; König | 王子; 国王
1f478 | princess; queen | Prinzessin; Königin | 公主; 女王
1f385 | santa; santa claus; father christmas | Weihnachtsmann; Nikolaus | 圣诞老人
'''
# Concept → its words by language, the most usual one first.
SYNONYMS = {}
for _line in _TABLE.strip().splitlines():
    _hex, *_words = (part.strip() for part in _line.split('|'))
    SYNONYMS[_hex] = {language: part.split('; ') for language, part in zip(('en', 'de', 'zh'), _words)}

_ENGLISH = {
    'mouse': 'mice', 'goose': 'geese', 'fish': 'fish', 'sheep': 'sheep', 'deer': 'deer', 'wolf': 'wolves', 'leaf': 'leaves', 'knife': 'knives',
    'loaf': 'loaves', 'tooth': 'teeth', 'foot': 'feet', 'man': 'men', 'woman': 'women', 'child': 'children', 'ox': 'oxen', 'cactus': 'cacti',
    'dice': 'dice', 'sushi': 'sushi', 'bread': 'breads', 'potato': 'potatoes', 'tomato': 'tomatoes', 'mango': 'mangoes', 'volcano': 'volcanoes',
    'aircraft': 'aircraft', 'shrimp': 'shrimps', 'squid': 'squids', 'die': 'dice', 'person': 'people', 'scarf': 'scarves', 'half': 'halves',
}
_GERMAN = {
    'apfel': 'Äpfel', 'hund': 'Hunde', 'haus': 'Häuser', 'auto': 'Autos', 'baum': 'Bäume', 'vogel': 'Vögel', 'fuchs': 'Füchse', 'bär': 'Bären',
    'maus': 'Mäuse', 'kuh': 'Kühe', 'pferd': 'Pferde', 'schwein': 'Schweine', 'schaf': 'Schafe', 'huhn': 'Hühner', 'frosch': 'Frösche', 'fisch': 'Fische',
    'hai': 'Haie', 'wal': 'Wale', 'pilz': 'Pilze', 'kaktus': 'Kakteen', 'stern': 'Sterne', 'mond': 'Monde', 'herz': 'Herzen', 'buch': 'Bücher',
    'ei': 'Eier', 'brot': 'Brote', 'keks': 'Kekse', 'donut': 'Donuts', 'pizza': 'Pizzas', 'ball': 'Bälle', 'fußball': 'Fußbälle', 'luftballon': 'Luftballons',
    'geschenk': 'Geschenke', 'pokal': 'Pokale', 'ring': 'Ringe', 'diamant': 'Diamanten', 'edelstein': 'Edelsteine', 'geist': 'Geister', 'gespenst': 'Gespenster',
    'alien': 'Aliens', 'panda': 'Pandas', 'koala': 'Koalas', 'pinguin': 'Pinguine', 'elefant': 'Elefanten', 'schmetterling': 'Schmetterlinge',
    'flugzeug': 'Flugzeuge', 'schiff': 'Schiffe', 'boot': 'Boote', 'bus': 'Busse', 'zug': 'Züge', 'fahrrad': 'Fahrräder', 'berg': 'Berge', 'schloss': 'Schlösser',
    'hut': 'Hüte', 'handy': 'Handys', 'laptop': 'Laptops', 'pfirsich': 'Pfirsiche', 'kürbis': 'Kürbisse', 'bleistift': 'Bleistifte', 'einhorn': 'Einhörner',
    'delfin': 'Delfine', 'krebs': 'Krebse', 'dinosaurier': 'Dinosaurier', 'bierkrug': 'Bierkrüge', 'totenkopf': 'Totenköpfe', 'schneemann': 'Schneemänner',
    'turnschuh': 'Turnschuhe', 'hase': 'Hasen', 'ente': 'Enten', 'kaffee': 'Kaffees', 'clown': 'Clowns', 'magnet': 'Magnete', 'paket': 'Pakete', 'tropfen': 'Tropfen',
}


def plural_en(label):
    """English plural of a plain label: its last word only."""
    first, _, last = label.rpartition(' ')
    if last.lower() in _ENGLISH:
        last = _ENGLISH[last.lower()]
    elif last.endswith(('s', 'x', 'z', 'ch', 'sh')):
        last += '' if last.endswith('s') and not last.endswith(('ss', 'us')) else 'es'
    elif last.endswith('y') and last[-2:-1] not in tuple('aeiou'):
        last = last[:-1] + 'ies'
    else:
        last += 's'
    return f'{first} {last}'.strip()


def plural_de(label):
    """German plural where a rule or the table gives it, else None."""
    if label.lower() in _GERMAN:
        return _GERMAN[label.lower()]
    if ' ' in label or '-' in label:
        return None
    if label.endswith('e'):
        return label + 'n'
    return label if label.endswith(('er', 'en', 'chen')) else None
