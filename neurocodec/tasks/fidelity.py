"""The human side: how near a decoded picture is to the original. No recogniser is asked."""



