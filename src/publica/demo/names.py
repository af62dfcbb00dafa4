"""Names for synthetic people, from many parts of Europe. No person is meant."""

from __future__ import annotations

FEMALE = tuple(
    """
    Ada Agata Agnes Aino Aisha Alba Alena Alice Alma Amelia Amina Anita Anke Anneli Astrid Aurora Beata Bianca
    Birgit Bruna Camilla Carla Cecilia Chiara Clara Dagmar Dalia Daniela Dora Edith Elena Elif Elin Elisa Emma
    Erika Ester Eva Fatima Flora Freya Gabriela Gerda Giulia Greta Hanna Hedda Helena Ida Ilse Ines Ingrid Irena
    Iris Isabel Ivana Jana Johanna Judit Julia Kaja Karin Katarina Kinga Klara Laila Lara Leonor Lidia Linnea
    Livia Louise Lucia Magda Maja Manon Mara Margot Maria Marta Matilda Mila Mira Nadia Nina Nora Olga Paula
    Petra Renata Rita Rosalie Runa Sabine Sara Silvia Sofia Tamara Tea Tilda Ursula Vera Vesna Yasmin Zora
    """.split()
)

MALE = tuple(
    """
    Aaron Adam Adrian Aksel Alan Albert Aldo Alexei Ali Ambros Anders Andrei Anton Armin Arne Artur Bastian
    Benedikt Bogdan Bruno Casper Cedric Conor Dario David Denis Diego Dimitri Edgar Eero Elias Emil Emre Enzo
    Eric Ernst Fabian Felix Filip Florian Francis Frank Gabriel Georg Goran Gustav Hamid Hannes Harald Henrik
    Hugo Igor Ismael Ivan Jakob Jan Jasper Joel Jonas Josef Juan Julian Karel Karl Kasper Konrad Lars Lennart
    Leon Levin Lorenz Luca Ludvik Lukas Malik Marcel Marco Marek Martin Mateo Matthias Max Michel Milan Miro
    Nico Niels Noah Nuno Olaf Oleg Olivier Omar Oskar Otto Pablo Pavel Pedro Peter Rafael Remo Robin Roman Ruben
    Samuel Sandor Simon Stefan Sven Tariq Theo Thomas Tibor Tobias Tomas Viktor Vincent Walter Yusuf Zoltan
    """.split()
)

FAMILY = tuple(
    """
    Abel Adler Alvarez Amberg Andersson Antal Arnaud Ashdown Bakker Balint Baranyi Barlow Baumann Becker Bellini
    Benes Berg Bernard Bianchi Blake Blanchet Bloom Bodnar Bonnet Borg Brandt Brennan Brix Bruun Byrne Calder
    Campos Carver Castel Cermak Chevalier Clement Conti Cooper Costa Cramer Dahl Dalca Danek Delacour Demir
    Dietrich Dobrev Donati Dorn Drake Dubois Duran Dvorak Eder Egger Ekholm Eriksen Esposito Evers Fabre Falk
    Farkas Faust Ferrari Fischer Fleming Fontaine Forster Frost Gallo Garnier Georgiou Gerhard Gomes Graf Greco
    Gruber Haas Hale Hansen Hartley Hassan Haugen Heinrich Herrera Hoffman Holm Horvat Huber Iversen Jansen
    Jelinek Jensen Johansson Kadlec Kaiser Kallio Karlsen Keller Kiss Klein Koch Kovac Kowal Kramer Krause Kuiper
    Lachance Lang Larsen Laurent Lehto Lenz Lindgren Lopes Lorenzi Lund Madsen Maier Marin Martel Mazur Meier
    Mercier Molnar Moreau Moretti Muller Navarro Nemeth Nilsen Novak Nowicki Oberst Olsen Orsini Ostrow Palmer
    Papp Pereira Petrov Pichler Popescu Prior Quist Ramos Rask Reber Ricci Riedel Rossi Roth Sabo Salonen Santos
    Sauer Schmid Serrano Simic Sokol Stern Strand Sutter Szabo Tamm Tanner Thorne Toth Urban Vaher Valente Varga
    Vesely Vidal Vogel Wagner Walsh Weber Wieland Winther Wolf Yilmaz Zeman Zimmer
    """.split()
)
