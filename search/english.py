"""Common English words that are no misspelt catalogue words, and words without a subject."""

from pathlib import Path

_COMMON_WORDS = """
able about above across actually after afternoon again against age ago all almost alone along
already also always am among an and another any anybody anyone anything anywhere apartment
appreciate are area around arrange as ask at available away awesome baby back bad based basic be
beautiful became because become becoming bed been before begin beginner beginning behind being
believe below beside best better between big birthday bit block book booking born both boy break
bring bringing brother brought brown budget building busy but buy by call called came can cannot
care cancel car careful case change cheap child children choose city class classes clean clear
close closer cold college color come comes comfortable coming common complete contact cool
corner cost could couple course cousin cover create cross current curious daily daughter day
days deal dear decide deep delivery did different difficult dinner do does doesn dog doing don
done door down dream drive driver during each early ease easier easily easy eat eight either
electrician eleven else email end enjoy enough enroll evening event ever every everyone
everything everywhere exactly exam except excited exercise expensive experience expert explain
extra eye eyes face fact fair fall family far fast father favorite fear feel feeling feet female
few fifty find fine finish fire first five fix flexible floor focus follow food for forget form
forty found four free freedom french friday friend friendly friends from front full fun funny
further future game gave gentle get gets getting gift girl girlfriend give gives giving glad go
goal goals goes going gonna good got grade grader grandfather grandma grandmother grandpa
grandson great green group grow guess guy hair half hand hands hang happen happy hard has have
having he head health hear heart heavy hello help helped helping helps her here hers herself hey
hi high him himself his history hit hold holiday home hope hot hotel hotels hour hours house how
however hundred hurry husband idea ideas if important improve in indoor inside install instead
instructor instructors interest interested interesting into is issue it its itself january job
join july june just keep kid kids kind kindly kitchen knee knees knew know known lady language
large last late later laugh lead learn learned learner learning least leave left less lesson
lessons let letter level life light like likes line list listen little live lived living local
locked locksmith long look looking looks lose lot love low lunch made make makes making male man
many march married match maybe me mean meet meeting meetings member men mention met middle might
mile mind mine minute minutes mom moment monday money month months more morning most mother move
moved moving much must my myself name nanny near nearby nearest necessary need needed needs
neighbor neighborhood nervous never new newbie next nice niece night nine no nobody noise none
noon nor normal not nothing november now number october of off offer office often oh okay old
older on once one ones online only open opening option or order other others our ours ourselves
out outdoor outside over own owner page paid pain parent parents park part partner parts party
past patient pay people perfect perhaps person personal phone pick picture piece pizza place
plan play played player playing please point polite possible practice prefer preferably prepare
pretty price pricing private probably problem professional progress project public pull push put
question questions quick quickly quiet quit quite rain rate rather read ready real really reason
recently recommend recommended red refund regular relax remember remote rent rented repair reply
rest review reviews ride right road room round run running safe said saint same saturday saw say
saying says schedule school science season seat second see seeing seen self sell send senior
serious session sessions set seven several share she short should show shy sick side simple
since single sister sit situation six sixty size skill skills sleep slow slowly small smart so
social some somebody someday someone something sometime sometimes somewhere son soon sorry sort
sound south speak speaks special specific spend spoken spring stand start started starting
starts state station stay step still stop store story street strict strong student students
studio study stuff subject subway such suggest summer sunday support supportive sure sweet swim
take taken takes taking talk talking tall taught teach teacher teachers teaches teaching team
teen tell ten than thank thanks that the their them themselves then there these they thing
things think third this those though thought thousand three through throughout thursday time
times tired to today together told tomorrow tonight too took top total totally tough toward town
toys train trained training travel tried trip trouble true trust try trying tuesday turn tutor
tutoring tutors twelve twenty twice two type under understand until up upcoming update upon us
use used useful using usual usually vacation very via video visit wait waiting walk wall want
wanted wanting wants warm was watch water way we weak wear weather website wednesday wedding
week weekend weekends weeks weight welcome well went were west what whatever when whenever where
whether which while white who whole whom whose why wife will willing window winter wish with
within without woman women won wonder wondering word words work worked working works world worry
worth would wow write wrong yeah year years yes yesterday yet you young your yours yourself zero
bucks dollars tops asap maximum minimum weekday weekdays weeknights budget premium affordable
patient beginner intermediate advanced expert virtual zoom february april august september
december mexico trip seafood curtains cooking tomatoes roof bad grind native speaker speakers
circle salutation salutations bryant anxious hyper knees crash summer indexes brother accent
accents makeover
"""
COMMON_WORDS = frozenset(_COMMON_WORDS.split())

# Words that people write often and that stand a letter or two from one of the catalogue ("lottery",
# "spelling", "ballot"): whoever writes one means it, unless its neighbor says otherwise.
_NEAR_WORDS_FILE = Path(__file__).parent / "data" / "english_words.txt"
NEAR_WORDS = frozenset(_NEAR_WORDS_FILE.read_text(encoding="ascii").split())

# Words that name no subject: left out where only the subject matters.
_FILLER_WORDS = """
only ok okay prefer then too or don't not but come comes coming would
a about all am an and any anybody anyone anything are as at be best book booking but by can
class classes coach coaches coaching course courses could do does etc find for from get give go
going got have having hello help her hey hi him his i if im in instruction instructor
instructors into is it its just learn learning lesson lessons let like local looking lookin love
me mentor my near need needed needs of on one or our please pls private pro professional program
really same school search searching seeking session sessions she he some somebody someone
something start starting stuff take taking taught teach teacher teachers teaches teaching that
the their them there they this to trying tutor tutoring tutors up us using want
wanna wanted wants we what where which who will with work workshop workshops would you your ones
student he's she's i'm i'd we're thanks thank available availability who's both ideally
preferably maybe hour hours minutes time times clases clase lecciones leccion curso cursos
profesor profesora maestro maestra de para en el la los las un una mi mis aprender quiero busco
necesito con hijo hija mama papa esposo esposa tiene nivel soy este esta personas gustaria
quisiera necesita cours professeur apprendre le les des du pour
"""
FILLER_WORDS = frozenset(_FILLER_WORDS.split())

# Opinions that no rule uses; the page lists them as ignored.
_IGNORED_WORDS = """
cool nice awesome amazing great good super fantastic wonderful excellent perfect asap urgent
urgently quick quickly fun lovely kickass dope chill rad sick favorite famous
"""
IGNORED_WORDS = frozenset(_IGNORED_WORDS.split())
