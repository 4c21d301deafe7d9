-- The tables as Sequelize makes them, and the rows of the other fixtures.
CREATE TABLE `Users` (`id` INTEGER NOT NULL auto_increment, `email` VARCHAR(255), `username` VARCHAR(255), `bio` TEXT, `image` TEXT, `password` VARCHAR(255), `createdAt` DATETIME(3) NOT NULL, `updatedAt` DATETIME(3) NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB CHARACTER SET utf8mb4;
CREATE TABLE `Articles` (`id` INTEGER NOT NULL auto_increment, `slug` VARCHAR(255), `title` VARCHAR(255), `description` TEXT, `body` TEXT, `userId` INTEGER, `createdAt` DATETIME(3), `updatedAt` DATETIME(3) NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB CHARACTER SET utf8mb4;
CREATE TABLE `Tags` (`name` VARCHAR(255) NOT NULL, `createdAt` DATETIME(3) NOT NULL DEFAULT now(3), `updatedAt` DATETIME(3) NOT NULL DEFAULT now(3), PRIMARY KEY (`name`)) ENGINE=InnoDB CHARACTER SET utf8mb4;
CREATE TABLE `TagLists` (`id` INTEGER NOT NULL auto_increment, `articleId` INTEGER, `tagName` VARCHAR(255), PRIMARY KEY (`id`)) ENGINE=InnoDB CHARACTER SET utf8mb4;
CREATE TABLE `Comments` (`id` INTEGER NOT NULL auto_increment, `body` TEXT, `articleId` INTEGER, `userId` INTEGER, `createdAt` DATETIME(3) NOT NULL, `updatedAt` DATETIME(3) NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB CHARACTER SET utf8mb4;
CREATE TABLE `Favorites` (`articleId` INTEGER NOT NULL, `userId` INTEGER NOT NULL, PRIMARY KEY (`articleId`, `userId`)) ENGINE=InnoDB;
CREATE TABLE `Followers` (`userId` INTEGER NOT NULL, `followerId` INTEGER NOT NULL, PRIMARY KEY (`userId`, `followerId`)) ENGINE=InnoDB;
INSERT INTO `Users` (`id`, `email`, `username`, `password`, `image`, `bio`, `createdAt`, `updatedAt`) VALUES
    (2, 'ada@example.com', 'ada', '$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', NULL, '', '2024-01-01', '2024-01-01'),
    (10, 'jürgen@example.com', '日本 🙂', '', '/a.png', NULL, '2024-01-01', '2024-01-01');
INSERT INTO `Articles` (`id`, `slug`, `title`, `description`, `body`, `createdAt`, `updatedAt`, `userId`) VALUES
    (2, 'two-1', 'Two', '', 'a\r\nb', '2024-02-29 12:00:00.123', '2024-03-01', 10),
    (10, 'ten', 'Ten', 'd', 'body', NULL, '2024-03-02', 2),
    (11, 'orphan', 'O', 'd', 'b', '2024-01-01', '2024-01-01', 99);
INSERT INTO `Tags` (`name`) VALUES ('zebra'), ('ant'), ('unused');
INSERT INTO `TagLists` (`articleId`, `tagName`) VALUES (2, 'zebra'), (2, 'ant'), (10, 'ant');
INSERT INTO `Comments` (`id`, `body`, `articleId`, `userId`, `createdAt`, `updatedAt`) VALUES
    (7, 'Nice.', 2, 2, '2024-02-29 13:00', '2024-02-29 13:00'), (12, 'Why?', 10, 10, '2024-04-29 13:00', '2024-04-29 13:00');
INSERT INTO `Favorites` VALUES (2, 10), (2, 2), (10, 2);
INSERT INTO `Followers` VALUES (10, 2); -- 2 follows 10
