package company

// Given and family names of several cultures, each with the spelling of its mail address when it differs.
// Nobody is meant: all are common names, and they are combined by chance.

type name struct{ shown, mail string }

type culture struct{ given, family []name }

func n(shown, mail string) name { return name{shown, mail} }

func cultures() []culture {
	return []culture{
		{ // office 0: Toronto
			[]name{n("Emma", "emma"), n("Liam", "liam"), n("Chloé", "chloe"), n("Noah", "noah"), n("Priya", "priya"), n("Zoë", "zoe"), n("Mei", "mei"), n("Amara", "amara"), n("Lucas", "lucas"), n("Siobhán", "siobhan")},
			[]name{n("Tremblay", "tremblay"), n("MacDonald", "macdonald"), n("Nguyen", "nguyen"), n("Okafor", "okafor"), n("Singh", "singh"), n("Roy", "roy"), n("O'Neill", "oneill"), n("Chan", "chan"), n("Bélanger", "belanger"), n("Campbell", "campbell")},
		},
		{ // Berlin
			[]name{n("Jürgen", "juergen"), n("Anja", "anja"), n("Łukasz", "lukasz"), n("Søren", "soren"), n("Katharina", "katharina"), n("Emre", "emre"), n("Jonas", "jonas"), n("Agnieszka", "agnieszka"), n("Matthias", "matthias"), n("Željka", "zeljka")},
			[]name{n("Müller", "mueller"), n("Weiß", "weiss"), n("Kowalczyk", "kowalczyk"), n("Yılmaz", "yilmaz"), n("Schröder", "schroeder"), n("Nyström", "nystroem"), n("Horváth", "horvath"), n("von der Heide", "vonderheide"), n("Dvořák", "dvorak"), n("Becker", "becker")},
		},
		{ // London
			[]name{n("Olivia", "olivia"), n("Mohammed", "mohammed"), n("Aoife", "aoife"), n("George", "george"), n("Folasade", "folasade"), n("Rhys", "rhys"), n("Zainab", "zainab"), n("Callum", "callum"), n("Ngozi", "ngozi"), n("Harriet", "harriet")},
			[]name{n("Smith", "smith"), n("Adeyemi", "adeyemi"), n("Khan", "khan"), n("Llewellyn", "llewellyn"), n("Patel", "patel"), n("Byrne", "byrne"), n("Ashworth-Jones", "ashworth-jones"), n("Hussain", "hussain"), n("Taylor", "taylor"), n("Mensah", "mensah")},
		},
		{ // Bengaluru
			[]name{n("Aarav", "aarav"), n("Lakshmi", "lakshmi"), n("Rohan", "rohan"), n("अनन्या", "ananya"), n("Vikram", "vikram"), n("Fatima", "fatima"), n("Karthik", "karthik"), n("Meera", "meera"), n("Arjun", "arjun"), n("Deepa", "deepa")},
			[]name{n("Iyer", "iyer"), n("Reddy", "reddy"), n("Sharma", "sharma"), n("शर्मा", "sharma"), n("Krishnamurthy", "krishnamurthy"), n("Bose", "bose"), n("D'Souza", "dsouza"), n("Rao", "rao"), n("Gupta", "gupta"), n("Menon", "menon")},
		},
		{ // Tokyo
			[]name{n("Haruto", "haruto"), n("さくら", "sakura"), n("Yuki", "yuki"), n("健太", "kenta"), n("Aiko", "aiko"), n("Ren", "ren"), n("Minji", "minji"), n("Hiroshi", "hiroshi"), n("Emi", "emi"), n("Wei", "wei")},
			[]name{n("Tanaka", "tanaka"), n("佐藤", "sato"), n("Suzuki", "suzuki"), n("山本", "yamamoto"), n("Kobayashi", "kobayashi"), n("Kim", "kim"), n("Nakamura", "nakamura"), n("Li", "li"), n("Watanabe", "watanabe"), n("Ōno", "ono")},
		},
		{ // São Paulo
			[]name{n("João", "joao"), n("Beatriz", "beatriz"), n("Thiago", "thiago"), n("Conceição", "conceicao"), n("Rafael", "rafael"), n("Inês", "ines"), n("Mateus", "mateus"), n("Luiza", "luiza"), n("André", "andre"), n("Yasmin", "yasmin")},
			[]name{n("da Silva", "dasilva"), n("Gonçalves", "goncalves"), n("Araújo", "araujo"), n("Pereira", "pereira"), n("Nakagawa", "nakagawa"), n("Magalhães", "magalhaes"), n("Rossi", "rossi"), n("dos Santos", "dossantos"), n("Fernández", "fernandez"), n("Haddad", "haddad")},
		},
	}
}
