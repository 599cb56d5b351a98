APP="hotapp"
# everything runs on one machine
HOST="build"
USER="deploy"

BUILD_HOST=$HOST
BUILD_USER=$USER
BUILD_AT="/home/$USER/edeliver/$APP/builds"

STAGING_HOSTS=$HOST
STAGING_USER=$USER
TEST_AT=/home/$USER/test

PRODUCTION_HOSTS="$HOST"
PRODUCTION_USER=$USER
DELIVER_TO=/home/$USER/production

AUTO_VERSION=commit-count
